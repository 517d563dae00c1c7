// What is done number by number, because no instruction does it or it is in no hot loop.
#pragma once

#include "ops/isa/vectors.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

inline I load_bytes(const void* p) {
  std::int8_t b[kLanes];
  std::memcpy(b, p, sizeof b);
  std::int32_t w[kLanes];
  for (int i = 0; i < kLanes; ++i) w[i] = b[i];
  return I::load_unaligned(w);
}

inline I gather_words(const std::uint32_t* table, I index) {
  std::int32_t w[kLanes];
  index.store_unaligned(w);
  for (std::int32_t& i : w) i = std::int32_t(table[i]);
  return I::load_unaligned(w);
}

inline void round_16(const float* x, F inverse, std::int8_t* q) {
  for (int i = 0; i < 16; i += kLanes) {
    std::int32_t w[kLanes];
    xsimd::nearbyint_as_int(load(x + i) * inverse).store_unaligned(w);
    for (int k = 0; k < kLanes; ++k) q[i + k] = std::int8_t(w[k]);
  }
}

inline std::int32_t halves_of_16(const std::int8_t* q) {
  std::int32_t low = 0, high = 0;
  for (int i = 0; i < 16; i += 4) {
    low += q[i] + q[i + 1];
    high += q[i + 2] + q[i + 3];
  }
  return std::int32_t(std::uint32_t(low & 0xFFFF) | std::uint32_t(high) << 16);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
