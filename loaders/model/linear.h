// A matrix product and a norm, with the weights a file gives them.
#pragma once

#include <cstdint>

#include "ops/matrix.h"

namespace longhand {

/// y = scale * W x + bias.
struct Linear {
  MatView weight;               // (out, in)
  const float* bias = nullptr;  // (out) or null
  float scale = 1;              // of files that keep one per tensor beside the weights

  bool empty() const noexcept { return weight.empty(); }
};

enum class Norm : std::uint8_t {
  none,   // x itself, and no weights
  scale,  // x
  rms,    // x / sqrt(mean(x^2) + epsilon)
  layer,  // (x - mean) / sqrt(variance + epsilon)
};

/// weight * norm(x) + bias.
struct NormPlan {
  Norm kind = Norm::none;
  float epsilon = 0;
  const float* weight = nullptr;  // (n); null: ones
  const float* bias = nullptr;    // (n); null: zeros

  bool empty() const noexcept { return kind == Norm::none; }
  /// The same norm of values whose weights begin at `first`.
  NormPlan from(std::int64_t first) const noexcept {
    return {kind, epsilon, weight == nullptr ? nullptr : weight + first,
            bias == nullptr ? nullptr : bias + first};
  }
};

}  // namespace longhand
