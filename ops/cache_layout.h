// How the numbers of a cache of keys and values lie in memory. PODs only: kernel units see this header.
//
// A value lies in a row (value_dim), the keys of kKeyBlock tokens in a block:
//
//   f32, f16, bf16  rows of floats of 32 or 16 bits, and blocks (key_dim, tokens) of them
//   q8_0            groups of kQ8Group dimensions, one after the other. In a row a group is a half-precision
//                   scale and a byte for each dimension, as in the tensor format of that name. In a block it
//                   is the scales (tokens) and then the bytes (quads of dimensions, tokens, kQ8Quad)
//   q4_0 ... iq4_nl groups likewise, each a block of the tensor format of that name. In a row they lie as
//   they
//                   are, in a key block the groups of the tokens are interleaved as a panel of that many rows
//                   of a matrix (ops/panels.h). They hold the Hadamard transform (ops/hadamard.h) of a key or
//                   value, in which no dimension stands out
#pragma once

#include <cstddef>
#include <cstdint>

namespace longhand {

enum class CacheFormat : std::uint8_t { f32, f16, q8_0, bf16, q4_0, q4_1, q5_0, q5_1, iq4_nl };
inline constexpr int kCacheFormats = 9;
/// Whether numbers are rounded in groups of kQ8Group, so that heads must be whole groups.
constexpr bool is_grouped(CacheFormat format) {
  return format == CacheFormat::q8_0 || format > CacheFormat::bf16;
}
/// Whether numbers are unpacked into floats before attention looks at them.
constexpr bool is_packed(CacheFormat format) { return format > CacheFormat::bf16; }
inline constexpr int kKeyBlock = 16;

inline constexpr int kQ8Group = 32, kQ8Quad = 4;
inline constexpr int kQ8Quads = kQ8Group / kQ8Quad;
inline constexpr int kQ8ScaleBytes = 2;
inline constexpr int kQ8RowBytes = kQ8ScaleBytes + kQ8Group;  // of a group
inline constexpr int kQ8KeyBytes = kKeyBlock * kQ8RowBytes;   // likewise, in a key block
inline constexpr int kQ8KeyScales = kKeyBlock * kQ8ScaleBytes;
inline constexpr int kQ8KeyQuads = kKeyBlock * kQ8Quad;  // bytes of one quad of each token

/// Bytes of kQ8Group values, by CacheFormat.
inline constexpr int kCacheGroupBytes[kCacheFormats] = {
    4 * kQ8Group, 2 * kQ8Group, kQ8RowBytes, 2 * kQ8Group, 18, 20, 22, 24, 18};

/// Keys and values of one kv head.
struct KvView {
  std::byte* keys = nullptr;
  std::byte* values = nullptr;
  std::int64_t key_block_bytes = 0, value_row_bytes = 0;
  std::int32_t key_dim = 0, value_dim = 0;
  // Where values are part of their keys, and `values` nothing: the dimension of a key its value begins at;
  // -1: values lie in rows.
  std::int32_t value_in_key = -1;
};

}  // namespace longhand
