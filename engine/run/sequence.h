// A text, and what a model remembers of it.
#pragma once

#include <memory>
#include <vector>

#include "engine/forward/pass.h"
#include "engine/run/sizes.h"
#include "engine/state/states.h"
#include "engine/types/embeddings.h"

namespace longhand {

/// Throws Error(range): a token that a vocabulary of so many has not.
void check_tokens(std::span<const Token> tokens, int vocab);

/// Cheap beside the model: what a saved state holds. A sequence is computed by a PassRunner, alone or beside
/// others.
class Sequence {
 public:
  /// Throws Error: range, no_memory.
  Sequence(const ModelCore& model, const SessionOptions& options);
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
  /// Tells which of the next `count` tokens, up to the first of another kind, are embeddings: where those of
  /// the first are, or null where it is a token.
  const float* next_inputs(int* count) const noexcept { return inputs_at(remembered, count); }
  /// The same of `count` tokens from `position` on.
  const float* inputs_at(int position, int* count) const noexcept;
  /// Throws Error: range (of no embeddings, of positions), unsupported (of models that need tokens, of
  /// memories that cannot be rotated so), context_full.
  void check(const Embeddings& added) const;
  /// They join the text as tokens of no vocabulary.
  void append(const Embeddings& added);
  void append(std::span<const Token> added);
  /// Only the first `size` tokens stay.
  void shorten(std::size_t size);
  bool has_embeddings() const noexcept { return !places.empty(); }

  /// The tokens from the first that the states do not hold, `count` of them.
  std::span<const Token> next_tokens(int count) const {
    return std::span(tokens).subspan(std::size_t(remembered), std::size_t(count));
  }
  /// Takes tokens [from, to), which the states hold, out of the text: those behind move up, their keys turned
  /// to their new positions. False, and nothing changes, where a state cannot do that. Throws
  /// Error(no_memory) and changes nothing.
  bool cut(int from, int to);
  /// A token, or an embedding, that the states hold, to be computed once more.
  struct Again {
    Again(const Sequence& sequence, int position);
    Token token;
    const float* inputs = nullptr;  // see Pass
    Slice slice;
  };
  /// The states go back to `size` tokens, or as far before as they must.
  void go_back(int size) { remembered = states.go_back(std::min(size, remembered)); }

  const ModelCore& model;
  const SessionOptions options;
  const SessionSizes sizes;
  std::shared_ptr<const Adaptation> adaptation;  // null: the model as it is
  mutable States states;
  const PositionPlan positions;
  std::vector<Token> tokens;
  // Of texts with embeddings: where each token stands, and (tokens, hidden) what goes in; of tokens nothing.
  std::vector<TokenPosition> places;
  struct Stretch {
    int begin, end;             // in the text
    std::vector<float> values;  // (end - begin, hidden)
  };
  std::vector<Stretch> embeddings;
  int remembered =
      0;  // tokens the states hold; they lag behind `tokens` where a rewind went too far for them
};

}  // namespace longhand
