// What goes into a model in place of tokens.
#pragma once

#include <span>

#include "engine/types/token_position.h"

namespace longhand {

/// Vectors as wide as the model's hidden state, as an encoder of pictures or sound makes them.
struct Embeddings {
  explicit Embeddings(std::span<const float> v, std::span<const TokenPosition> p = {})
      : values(v), positions(p) {}

  std::span<const float> values;  ///< (n, hidden)
  /// Of each; none: they go on as tokens do. Tokens that follow stand behind the greatest number before them.
  std::span<const TokenPosition> positions;
};

}  // namespace longhand
