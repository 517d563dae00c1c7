// A text, and what a model remembers of it.
#pragma once

#include <vector>

#include "engine/forward/pass.h"
#include "engine/run/sizes.h"
#include "engine/state/states.h"

namespace longhand {

/// Cheap beside the model: what a saved state holds. A sequence is computed by a PassRunner, alone or beside
/// others.
class Sequence {
 public:
  /// Throws Error: range, no_memory.
  Sequence(const ModelData& model, const SessionOptions& options);
  /// The same text, whose states share memory with those of `other` until one of both writes to it.
  Sequence(const Sequence& other);
  Sequence& operator=(const Sequence&) = delete;

  /// Of the states as they are when nothing has been stored.
  States new_states() const;
  /// What a runner needs to compute this sequence.
  WorkspaceSizes needs() const noexcept;

  /// Throws Error: range (a token, or none), context_full.
  void check(std::span<const Token> added) const;
  /// Tells the states that the next `count` tokens come, and gives their slice; it begins in row `first_row`
  /// of a pass.
  Slice next_slice(int count, int first_row);
  /// The tokens from the first that the states do not hold, `count` of them.
  std::span<const Token> next_tokens(int count) const {
    return std::span(tokens).subspan(std::size_t(remembered), std::size_t(count));
  }
  /// Takes tokens [from, to), which the states hold, out of the text: those behind move up, their keys turned
  /// to their new positions. False, and nothing changes, where a state cannot do that. Throws
  /// Error(no_memory) and changes nothing.
  bool cut(int from, int to);
  /// The states go back to `size` tokens, or as far before as they must.
  void go_back(int size) { remembered = states.go_back(std::min(size, remembered)); }

  const ModelData& model;
  const SessionOptions options;
  const SessionSizes sizes;
  mutable States states;
  const PositionPlan positions;
  std::vector<Token> tokens;
  int remembered =
      0;  // tokens the states hold; they lag behind `tokens` where a rewind went too far for them
};

}  // namespace longhand
