// The weights of one block as the searches see them: of size 1, with importances of mean 1.
#pragma once

#include <bit>
#include <cstdint>

#include "ops/encode/sixteen.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// x[i] unit is weight i, and w[i] its importance. unit is a power of two, so that nothing is rounded; no
/// square overflows, and none vanishes.
template <int n>
struct Weights {
  static_assert(n % 16 == 0);
  alignas(64) float x[n];
  alignas(64) float w[n];
  float unit;

  Weights(const float* src, const float* importance) {
    Sixteen top = Sixteen::of(0);
    for (int i = 0; i < n; i += 16) top = larger(magnitude(Sixteen::load(src + i)), top);
    const int exponent = int(std::bit_cast<std::uint32_t>(largest_of(top)) >> 23);
    // Weights below 2^-100 are no weights of a model; the inverse of their unit would overflow.
    const int bounded = exponent < 27 ? 27 : exponent > 227 ? 227 : exponent;
    unit = std::bit_cast<float>(std::uint32_t(bounded) << 23);
    const Sixteen inverse = Sixteen::of(std::bit_cast<float>(std::uint32_t(254 - bounded) << 23));
    for (int i = 0; i < n; i += 16) (Sixteen::load(src + i) * inverse).store(x + i);
    set_importance(importance);
  }

  /// The 16-bit float next to d * unit; never infinite or NaN.
  std::uint16_t half(float d) const {
    const float scaled = d * unit;
    if (scaled != scaled) return 0;
    return f32_to_f16(scaled > kHalfMax ? kHalfMax : scaled < -kHalfMax ? -kHalfMax : scaled);
  }
  /// What a 16-bit float is in units.
  float of_half(std::uint16_t bits) const { return f16_to_f32(bits) / unit; }
  float rounded_to_half(float d) const { return of_half(half(d)); }

 private:
  static constexpr float kHalfMax = 65504;

  void set_importance(const float* importance) {
    if (importance == nullptr) return set_equal();
    Sixteen sum = Sixteen::of(0);
    for (int i = 0; i < n; i += 16) sum = sum + Sixteen::load(importance + i);
    const float mean = sum_of(sum) / float(n);
    if (!(mean > 1e-30f && mean < 1e30f)) return set_equal();
    // Columns that the text never used still get weights near their own, where that costs the others nothing.
    const Sixteen factor = Sixteen::of(1 / mean), least = Sixteen::of(1e-6f);
    for (int i = 0; i < n; i += 16) larger(Sixteen::load(importance + i) * factor, least).store(w + i);
  }
  void set_equal() {
    for (int i = 0; i < n; i += 16) Sixteen::of(1).store(w + i);
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
