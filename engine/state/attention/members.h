// Which tokens a code stands for, as lists that only grow at their ends: writing back the ends of some
// earlier time brings back the lists of that time.
#pragma once

#include "engine/state/attention/attention_state.h"

namespace longhand {

class Members {
 public:
  /// For tokens 0 .. context - 1 of each head; a context of 0 keeps no lists.
  Members(int heads, int codes, int context) : codes_(codes), context_(context), heads_(heads) {}
  std::uint64_t bytes() const noexcept {
    return std::uint64_t(heads_) *
           (std::uint64_t(context_) + (context_ > 0 ? 2 * std::uint64_t(codes_) : 0)) * sizeof(int);
  }
  void reserve();

  void clear() noexcept;
  void add(int head, int code, int token) noexcept;
  /// All tokens of `from` go to the end of `to`, and `from` has none.
  void join(int head, int from, int to) noexcept;
  /// Calls visit(token) for each token of a code that has `count`: no more, even if lists of a damaged file
  /// run in circles.
  template <class Visit>
  void each(int head, int code, std::uint32_t count, const Visit& visit) const {
    int token = ends(head, code).first;
    for (; count > 0 && token >= 0; --count) {
      visit(token);
      if (count > 1) token = next(head)[token];
    }
  }
  void live(const VisitBytes& visit) { visit(ends_.data(), ends_bytes()); }
  /// The rest of the lists, of the first `size` tokens.
  void held(int size, const VisitBytes& visit);
  /// Tokens of a code; -1 where the list is none of the first `tokens` tokens.
  int size(int head, int code, int tokens) const noexcept;

 private:
  struct Ends {
    int first, last;  // -1: none
  };
  std::size_t ends_bytes() const noexcept {
    return context_ == 0 ? 0 : std::size_t(heads_) * std::size_t(codes_) * sizeof(Ends);
  }
  Ends& ends(int head, int code) const noexcept {
    return ends_.as<Ends>()[std::int64_t{head} * codes_ + code];
  }
  int* next(int head) const noexcept { return next_.as<int>() + std::int64_t{head} * context_; }

  int codes_, context_, heads_;
  Buffer next_, ends_;  // (heads, context), (heads, codes)
};

}  // namespace longhand
