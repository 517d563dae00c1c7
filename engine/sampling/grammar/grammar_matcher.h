// Follows a grammar byte by byte, learning its automaton as it goes.
//
// A state is the set of all ways the text so far can go on: each a place in the grammar with a stack of
// places to return to. Stacks are shared and sets are numbered, so the step from a state over a byte is
// computed once and then looked up: going over a vocabulary costs few nanoseconds a byte.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/sampling/grammar/grammar.h"

namespace longhand {

class GrammarMatcher {
 public:
  using State = std::uint32_t;
  static constexpr State kDead = 0;  // nothing can follow, not even the end

  /// Throws Error (grammar) if the start is too ambiguous.
  explicit GrammarMatcher(Grammar grammar);

  State start() const noexcept { return start_; }
  bool can_end(State state) const noexcept { return states_[state].can_end; }
  /// The state after `byte`. Throws Error (grammar), and goes on from where it was, if the text can go on in
  /// more than kMaxWays ways, if that takes more than kMaxWork since start_work(), or if all that was learnt
  /// takes more than kMaxBytes.
  State step(State state, unsigned char byte) {
    const std::size_t entry = std::size_t{state} * class_count_ + class_of_[byte];
    const State known = next_[entry];
    return known != kUnknown ? known : learn(state, byte, entry);
  }
  /// The state after `token` as a token literal takes it.
  State step_token(State state, Token token);
  bool has_tokens() const noexcept { return !only_tokens_ || !only_tokens_->empty(); }
  /// The tokens of all token literals; nothing where a literal is of all tokens but one.
  const std::optional<std::vector<Token>>& only_tokens() const noexcept { return only_tokens_; }

  /// A state that goes on as `state` does for the next `horizon` bytes: counts of repetitions that are far
  /// from their bounds are the same in all such states.
  State settled(State state, std::uint32_t horizon);

  /// What a grammar may take is counted anew from here.
  void start_work() noexcept { work_ = 0; }
  /// States learnt so far, and about their bytes. forget() drops all but the start and `keep`, and returns
  /// the new number of `keep`.
  std::size_t size() const noexcept { return states_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }
  State forget(State keep);

  static constexpr std::size_t kMaxWays = 1u << 14;
  static constexpr std::size_t kMaxBytes = std::size_t{128} << 20;
  /// Ways looked at, where one that is followed counts as 16: about 90 million a second were measured, so
  /// this is most of a second. JSON over a vocabulary of 128,000 tokens takes a few thousandths of that.
  static constexpr std::size_t kMaxWork = std::size_t{1} << 26;

 private:
  struct Way {
    std::uint32_t place;  // in grammar_.symbols: a byte set or token
    std::uint32_t stack;  // in stacks_
    auto operator<=>(const Way&) const = default;
  };
  // A repetition's own place with the copies begun, else the place behind a rule with 0.
  struct Stack {
    std::uint32_t place, below, count;
    auto operator<=>(const Stack&) const = default;
  };
  struct StackHash {
    std::size_t operator()(const Stack& s) const noexcept {
      const std::uint64_t mixed = (std::uint64_t{s.place} << 32 | s.below) * 0x9E3779B97F4A7C15;
      return std::size_t((mixed ^ mixed >> 29 ^ s.count) * 0xBF58476D1CE4E5B9);
    }
  };
  struct Info {
    std::vector<Way> ways;  // sorted
    bool can_end = false;
  };
  static constexpr State kUnknown = 0xFFFFFFFF;

  void find_byte_classes();
  void spend(std::size_t work);
  State learn(State state, unsigned char byte, std::size_t entry);
  State close(std::vector<Way> work);
  void repeat(Way way, std::uint32_t done, std::vector<Way>& work);
  State number(Info info);
  std::uint32_t push(const Stack& stack);
  std::uint32_t settled_count(const Stack& stack, std::uint32_t horizon) const noexcept;

  Grammar grammar_;
  std::array<std::uint8_t, 256> class_of_{};  // bytes that no set of the grammar tells apart
  std::size_t class_count_ = 0;
  std::optional<std::vector<Token>> only_tokens_ = std::vector<Token>();
  std::vector<Info> states_;
  std::vector<State> next_;  // (states, class_count_)
  std::unordered_multimap<std::uint64_t, State> by_hash_;
  std::vector<Stack> stacks_;  // stacks_[0] is the empty one
  std::unordered_map<Stack, std::uint32_t, StackHash> by_stack_;
  State start_ = kDead;
  std::size_t work_ = 0, bytes_ = 0;
};

}  // namespace longhand
