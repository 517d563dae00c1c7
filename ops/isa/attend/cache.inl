// How a cache of keys and values is read and written, in each of its formats (ops/cache_layout.h).
#pragma once

#include <cmath>
#include <limits>

#include "ops/cache_layout.h"
#include "ops/isa/lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

constexpr int kKeyVectors = kKeyBlock / kLanes;  // vectors per 16 tokens

// Values beyond the range of a format stay finite: a key no query of a row sees has weight 0 there, and 0
// times infinity would not be 0.
inline float within(float x, float most) { return x > most ? most : x < -most ? -most : x; }

// How each cache format is read and written; the lanes of a key vector are tokens, of a value vector
// dimensions.
struct CacheF32 {
  static F key(const std::byte* block, int d, int v) {
    return load(reinterpret_cast<const float*>(block) + d * kKeyBlock + v * kLanes);
  }
  static F value(const std::byte* row, int d) { return load(reinterpret_cast<const float*>(row) + d); }
  static float get(const std::byte* p) {
    float x;
    std::memcpy(&x, p, 4);
    return x;
  }
  static void put(std::byte* p, float x) { std::memcpy(p, &x, 4); }
  static constexpr int kBytes = 4;
};
struct CacheF16 {
  static F key(const std::byte* block, int d, int v) {
    return load_f16(block + 2 * (d * kKeyBlock + v * kLanes));
  }
  static F value(const std::byte* row, int d) { return load_f16(row + 2 * d); }
  static float get(const std::byte* p) {
    std::uint16_t h;
    std::memcpy(&h, p, 2);
    return f16_to_f32(h);
  }
  static void put(std::byte* p, float x) {
    const std::uint16_t h = f32_to_f16(within(x, 65504.0f));
    std::memcpy(p, &h, 2);
  }
  static constexpr int kBytes = 2;
};
struct CacheBf16 {
  static F key(const std::byte* block, int d, int v) {
    return load_bf16(block + 2 * (d * kKeyBlock + v * kLanes));
  }
  static F value(const std::byte* row, int d) { return load_bf16(row + 2 * d); }
  static float get(const std::byte* p) {
    std::uint16_t h;
    std::memcpy(&h, p, 2);
    return bf16_to_f32(h);
  }
  static void put(std::byte* p, float x) {
    const std::uint16_t h = f32_to_bf16(within(x, 0x1.FEp127f));
    std::memcpy(p, &h, 2);
  }
  static constexpr int kBytes = 2;
};
struct CacheQ8 {
  // Both without their scale, which weights take in. Keys are read by score_q8() where they are scored.
  static F key(const std::byte* block, int d, int v) {
    const std::byte* quads = block + d / kQ8Group * kQ8KeyBytes + kQ8KeyScales;
    const I quad = load_words(quads + d % kQ8Group / kQ8Quad * kQ8KeyQuads + kQ8Quad * kLanes * v);
    return xsimd::to_float((quad << (24 - 8 * (d % kQ8Quad))) >> 24);
  }
  static F value(const std::byte* row, int d) {
    return xsimd::to_float(load_bytes(row + d / kQ8Group * kQ8RowBytes + kQ8ScaleBytes + d % kQ8Group));
  }
};
template <class C>
constexpr bool kIsQ8 = std::is_same_v<C, CacheQ8>;

// A group of values as integers, the largest in magnitude as the greatest there is; returns the scale, which
// makes broken values stay visible.
template <class Int>
float round_block(const float* x, Int* q) {
  constexpr float kMost = float(std::numeric_limits<Int>::max());
  float top = 0;
  bool finite = true;
  for (int i = 0; i < kQ8Group; ++i) {
    const float magnitude = std::fabs(x[i]);
    finite = finite && magnitude <= std::numeric_limits<float>::max();
    top = magnitude > top ? magnitude : top;
  }
  // As in quantize(): a reciprocal that would overflow becomes 0.
  const float inverse = finite && top > 1e-33f ? kMost / top : 0.0f;
  for (int i = 0; i < kQ8Group; ++i) q[i] = finite ? Int(std::nearbyint(x[i] * inverse)) : Int{0};
  return finite ? top / kMost : std::numeric_limits<float>::quiet_NaN();
}

template <class C>
void store_key(const KvView& kv, std::int32_t position, const float* key) noexcept {
  std::byte* block = kv.keys + position / kKeyBlock * kv.key_block_bytes;
  for (int d = 0; d < kv.key_dim; ++d)
    C::put(block + (d * kKeyBlock + position % kKeyBlock) * C::kBytes, key[d]);
}

template <class C>
void store_value(const KvView& kv, std::int32_t position, const float* value) noexcept {
  std::byte* row = kv.values + position * kv.value_row_bytes;
  for (int d = 0; d < kv.value_dim; ++d) C::put(row + d * C::kBytes, value[d]);
}

// A group of values as Q8_0 means them: a half-precision scale and bytes.
inline void round_q8(const float* x, std::uint16_t* scale, std::int8_t* q) {
  *scale = f32_to_f16(round_block(x, q));
}

template <>
void store_key<CacheQ8>(const KvView& kv, std::int32_t position, const float* key) noexcept {
  std::byte* block = kv.keys + position / kKeyBlock * kv.key_block_bytes;
  const int lane = position % kKeyBlock;
  for (int d = 0; d < kv.key_dim; d += kQ8Group, block += kQ8KeyBytes) {
    std::uint16_t scale;
    std::int8_t q[kQ8Group];
    round_q8(key + d, &scale, q);
    std::memcpy(block + kQ8ScaleBytes * lane, &scale, kQ8ScaleBytes);
    for (int g = 0; g < kQ8Quads; ++g)
      std::memcpy(block + kQ8KeyScales + kQ8KeyQuads * g + kQ8Quad * lane, q + kQ8Quad * g, kQ8Quad);
  }
}

template <>
void store_value<CacheQ8>(const KvView& kv, std::int32_t position, const float* value) noexcept {
  std::byte* row = kv.values + position * kv.value_row_bytes;
  for (int d = 0; d < kv.value_dim; d += kQ8Group, row += kQ8RowBytes) {
    std::uint16_t scale;
    std::int8_t q[kQ8Group];
    round_q8(value + d, &scale, q);
    std::memcpy(row, &scale, kQ8ScaleBytes);
    std::memcpy(row + kQ8ScaleBytes, q, kQ8Group);
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
