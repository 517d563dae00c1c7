// What recurrent blocks have in common: a causal convolution over each channel, and the size of what they
// remember.
#pragma once

#include "loaders/model/slots.h"
#include "ops/kernels.h"

namespace longhand {

/// y[t] = bias + sum over j < width of weight[j] x[t - width + 1 + j], channel by channel.
struct ConvPlan {
  int channels = 0, width = 1;
  const float* weight = nullptr;  // (width, channels)
  const float* bias = nullptr;    // (channels) or null

  /// Inputs that must be remembered: (width - 1, channels).
  std::int64_t inputs() const noexcept { return std::int64_t{width - 1} * channels; }
};

/// Floats of a row of n of a state, as kernels want them.
constexpr std::int64_t state_stride(std::int64_t n) noexcept {
  return (n + kStateLanes - 1) / kStateLanes * kStateLanes;
}

/// A block that remembers what RecurrentState holds.
struct RecurrentPlan {
  int hidden = 0;
  int state = -1;  // which of a sequence's states is its own
  ConvPlan conv;
};

}  // namespace longhand
