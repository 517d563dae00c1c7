// Encoders of 4-bit floats: MXFP4, whose scales are powers of two, and NVFP4, whose scales are 8-bit floats.
// Scales are so few that those in question are all tried.
#pragma once

#include "ops/encode/encoder.inl"
#include "ops/encode/one_scale.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// The byte of a scale that leaves the least error, of sixteen bytes from `first` on, none above `last`;
/// `value` says which scale a byte is. Sets the levels, too.
template <int n, class Value>
int best_byte(const float* x, const float* w, int first, int last, const Value& value, float* level) {
  const auto byte = [&](int lane) { return first + lane < last ? first + lane : last; };
  float scale[16], inverse[16];
  for (int i = 0; i < 16; ++i) {
    scale[i] = value(byte(i));
    inverse[i] = inverse_of(scale[i]);
  }
  const Sixteen error = scale_errors<E2m1Levels>(x, w, n, Sixteen::load(scale), Sixteen::load(inverse));
  const int best = best_lane(Sixteen::of(0) - error);
  set_levels<E2m1Levels>(x, n, scale[best], level);
  return byte(best);
}

template <>
struct Encoder<MXFP4> {
  static void encode(const float* src, const float* importance, MXFP4::Block& block) {
    const Weights<32> b(src, importance);
    alignas(64) float level[32];
    // The largest weight is 1 to 2 units. A power 2^(e - 128) that takes it to level 12 or far beyond it is
    // among these.
    const int unit = int(std::bit_cast<std::uint32_t>(b.unit) >> 23) + 1;
    const int first = unit - 8 > 0 ? unit - 8 : 0;
    const auto value = [&](int e) { return MXFP4::power(std::uint8_t(e)) / b.unit; };
    block.e = std::uint8_t(best_byte<32>(b.x, b.w, first, 254, value, level));
    set_nibbles([&](int i) { return E2m1Levels::code(level[i]); }, block.qs);
  }
};

template <>
struct Encoder<NVFP4> {
  static void encode(const float* src, const float* importance, NVFP4::Block& block) {
    const Weights<64> b(src, importance);
    const auto value = [&](int e) { return NVFP4::half_scale(std::uint8_t(e)) / b.unit; };
    for (int g = 0; g < 4; ++g) {
      const float *x = b.x + 16 * g, *w = b.w + 16 * g;
      const float top = extreme(x, 16), wanted = (top < 0 ? -top : top) * b.unit / E2m1Levels::kHigh;
      // The last byte whose scale does not reach the largest weight: half_scale the other way round.
      const auto below = int(std::bit_cast<std::uint32_t>(wanted * 0x1p-119f) >> 20);
      const int first = below < 10 ? 0 : below > 0x7E ? 0x7E - 10 : below - 10;
      alignas(64) float level[16];
      block.d[g] = std::uint8_t(best_byte<16>(x, w, first, 0x7E, value, level));
      for (int j = 0; j < 8; ++j)
        block.qs[8 * g + j] = std::uint8_t(E2m1Levels::code(level[j]) | E2m1Levels::code(level[j + 8]) << 4);
    }
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
