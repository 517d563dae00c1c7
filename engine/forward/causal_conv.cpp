#include "engine/forward/causal_conv.h"

#include <algorithm>
#include <array>

namespace longhand {
namespace {

constexpr int kMostTaps = 256;

// One slice's channels [part.begin, part.end).
void convolve_slice(const Pass& p, const ConvPlan& conv, const ConvRows& rows, const Slice& slice,
                    float* past, Range part) {
  const int tail = conv.width - 1;
  const auto n = std::int32_t(part.end - part.begin);
  // Input number i of the slice; negative ones are those the state holds.
  const auto input = [&](int i) {
    return part.begin + (i < 0 ? past + std::int64_t{tail + i} * conv.channels
                               : rows.in + (slice.first_row + i) * rows.in_stride);
  };
  std::array<const float*, kMostTaps> taps;
  for (int t = 0; t < slice.rows; ++t) {
    for (int j = 0; j < conv.width; ++j) taps[std::size_t(j)] = input(t - tail + j);
    p.kernels.convolve({taps.data(), conv.weight + part.begin,
                        conv.bias == nullptr ? nullptr : conv.bias + part.begin, conv.channels, conv.width, n,
                        rows.silu,
                        rows.out + std::int64_t{slice.first_row + t} * conv.channels + part.begin});
  }
  // Ascending, so that what moves within the state is read before it is written over.
  for (int j = 0; j < tail; ++j)
    std::copy_n(input(slice.rows - tail + j), n, past + std::int64_t{j} * conv.channels + part.begin);
}

}  // namespace

void convolve(const Pass& p, const RecurrentPlan& plan, const ConvRows& rows) noexcept {
  constexpr std::int64_t kGrain = 64;
  const Range part = p.worker.split(plan.conv.channels, kGrain);
  for (const Slice& slice : p.slices)
    convolve_slice(p, plan.conv, rows, slice, slice.states.recurrent(plan.state).inputs(), part);
  p.worker.sync();
}

}  // namespace longhand
