// How many tokens of each request go into the next pass.
#pragma once

#include <span>
#include <vector>

namespace longhand {

/// Shares out `room` tokens, as evenly as those who want less allow: wanted (n) -> given (n).
std::vector<int> share_evenly(std::span<const int> wanted, int room);

/// How many prompt tokens may stand beside answers so that a pass takes no longer than wanted, learned from
/// the passes so far.
class PassBudget {
 public:
  /// `latency`: seconds; `rows`: tokens that a pass holds.
  PassBudget(double latency, int rows) noexcept : latency_(latency), rows_(rows) {}

  /// For a pass in which `writing` answers have a token each.
  int prompt_tokens(int writing) const noexcept;
  /// A pass took so long.
  void note(int prompt, int writing, double seconds) noexcept;

 private:
  double latency_;
  int rows_;
  double per_token_ = 0;  // seconds of a prompt token; 0: not known yet
  double writing_ = 0;    // seconds of a pass without prompts
};

}  // namespace longhand
