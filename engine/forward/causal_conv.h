// The causal convolution of recurrent blocks.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// out (rows, channels) = conv(in) of every slice, which goes on from the inputs its state holds and leaves
/// its last ones there. `silu`: of the sums. Called by every worker after a barrier; ends with one.
struct ConvRows {
  const float* in;         // (rows, in_stride), of which the first `channels` are read
  std::int64_t in_stride;  // at least `channels`
  float* out;
  bool silu;
};
void convolve(const Pass& pass, const RecurrentPlan& plan, const ConvRows& rows) noexcept;

}  // namespace longhand
