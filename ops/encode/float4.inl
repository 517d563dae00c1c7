// Encoders of 4-bit floats: MXFP4, whose scales are powers of two, and NVFP4, whose scales are 8-bit floats.
// Scales are so few that all in question are tried.
#pragma once

#include "ops/encode/encoder.inl"
#include "ops/encode/packing.inl"
#include "ops/encode/scale_search.inl"

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

/// The error of 32 weights under one scale; sets their levels.
inline float mxfp4_error(const Weights<32>& b, float scale, float* level) {
  set_levels<E2m1Levels>(b.x, 32, scale, level);
  Sixteen sum = Sixteen::of(0);
  for (int i = 0; i < 32; i += 16) {
    const Sixteen off = Sixteen::load(b.x + i) - Sixteen::of(scale) * Sixteen::load(level + i);
    sum = sum + Sixteen::load(b.w + i) * off * off;
  }
  return sum_of(sum);
}

// Twice the least power that cuts nothing off may be better, because levels are not evenly spaced; below it,
// powers are tried for as long as they are better.
template <>
struct Encoder<MXFP4> {
  static void encode(const float* src, const float* importance, MXFP4::Block& block) {
    const Weights<32> b(src, importance);
    const int unit = int(std::bit_cast<std::uint32_t>(b.unit) >> 23);
    alignas(64) float level[32], tried[32];
    float least = std::numeric_limits<float>::infinity();
    // The largest weight is 1 to 2 units, level 12 of 2^(unit + 126 - 128) is 3.
    for (int e = unit - 1, worse = 0; e > 0 && worse < 2; --e) {
      const float error = mxfp4_error(b, MXFP4::power(std::uint8_t(e)) / b.unit, tried);
      if (error < least || e == unit - 1) {
        least = error;
        block.e = std::uint8_t(e);
        std::memcpy(level, tried, sizeof level);
        worse = 0;
      } else {
        ++worse;
      }
    }
    std::uint8_t code[32];
    set_codes<E2m1Levels>(level, code);
    pack_nibbles(code, block.qs);
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
      std::uint8_t code[16];
      set_codes<E2m1Levels>(level, code);
      for (int j = 0; j < 8; ++j) block.qs[8 * g + j] = std::uint8_t(code[j] | code[j + 8] << 4);
    }
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
