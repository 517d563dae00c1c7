// Caches of 4 and 5 bits: written as blocks of tensor formats, and unpacked into floats before attention
// looks at them. Both in the coordinates of the Hadamard transform.
#pragma once

#include "ops/formats/iq4_nl.h"
#include "ops/formats/q4_0.h"
#include "ops/formats/q4_1.h"
#include "ops/formats/q5_0.h"
#include "ops/formats/q5_1.h"
#include "ops/hadamard.h"
#include "ops/isa/attend/attend_keys.inl"
#include "ops/isa/attend/attend_values.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

static_assert(kKeyBlock == kPanelRows);

// What the numbers of a group are called in its block, 0 .. 15 or 31.
using PackedLevels = std::uint8_t[kQ8Group];

struct PackedRange {
  float least, most;
  bool finite;
};
inline PackedRange range_of(const float* x) {
  PackedRange r{x[0], x[0], true};
  for (int i = 0; i < kQ8Group; ++i) {
    r.finite = r.finite && std::fabs(x[i]) <= std::numeric_limits<float>::max();
    r.least = x[i] < r.least ? x[i] : r.least;
    r.most = x[i] > r.most ? x[i] : r.most;
  }
  return r;
}

inline int nearest_iq4(float x) {
  int below = 0;
  for (int i = 0; i < 15; ++i) below += x > 0.5f * float(kIq4Levels[i] + kIq4Levels[i + 1]);
  return below;
}

// The number of the level nearest to x in units of the scale, and that level.
template <class Fm>
int nearest_level(float x) {
  if constexpr (Fm::kSigned) return nearest_iq4(x);
  const int q = int(std::nearbyint(x)) + Fm::kOffset;
  return q < 0 ? 0 : q > Fm::kMax ? Fm::kMax : q;
}
template <class Fm>
float level(int q) {
  if constexpr (Fm::kSigned) return float(kIq4Levels[q]);
  return float(q - Fm::kOffset);
}

// Levels for the scale that makes the largest magnitude the greatest there is; returns the scale that fits
// those levels best (least squares).
template <class Fm>
float round_symmetric(const float* x, const PackedRange& range, PackedLevels& q) {
  constexpr float kGreatest = Fm::kSigned ? 127.0f : float(Fm::kOffset);  // on the negative side
  const float top = -range.least > range.most ? range.least : range.most;
  const float inverse = std::fabs(top) > 1e-33f ? -kGreatest / top : 0.0f;
  float products = 0, squares = 0;
  for (int i = 0; i < kQ8Group; ++i) {
    q[i] = std::uint8_t(nearest_level<Fm>(x[i] * inverse));
    const float at = level<Fm>(q[i]);
    products += x[i] * at;
    squares += at * at;
  }
  return inverse == 0 || squares == 0 ? 0.0f : products / squares;
}

template <class Fm>
void pack_levels(const PackedLevels& q, typename Fm::Block& b) {
  for (int j = 0; j < 16; ++j) b.qs[j] = std::uint8_t((q[j] & 15) | (q[j + 16] & 15) << 4);
  if constexpr (Fm::kMax == 31) {
    for (int i = 0; i < 4; ++i) b.qh[i] = 0;
    for (int j = 0; j < kQ8Group; ++j) b.qh[j / 8] = std::uint8_t(b.qh[j / 8] | (q[j] >> 4) << (j % 8));
  }
}

// A group as a block of its format. One with broken values has a broken scale, so that they stay visible.
template <class Fm>
void pack_group(const float* x, typename Fm::Block& b) {
  const PackedRange range = range_of(x);
  PackedLevels q{};
  float scale = std::numeric_limits<float>::quiet_NaN();
  if constexpr (Fm::kHasMin) {
    b.m = f32_to_f16(within(range.finite ? range.least : 0.0f, 65504.0f));
    if (range.finite) {
      scale = (range.most - range.least) / float(Fm::kMax);
      const float inverse = scale > 1e-33f ? 1 / scale : 0.0f;
      for (int i = 0; i < kQ8Group; ++i)
        q[i] = std::uint8_t(nearest_level<Fm>((x[i] - range.least) * inverse));
    }
  } else if (range.finite) {
    scale = round_symmetric<Fm>(x, range, q);
  }
  b.d = f32_to_f16(within(scale, 65504.0f));
  pack_levels<Fm>(q, b);
}

// The blocks of a vector of n, transformed: put(number of the group, block).
template <class Fm, class Put>
void pack_vector(const float* x, int n, const Put& put) {
  const int size = hadamard_size(n);
  float turned[256];
  for (int begin = 0; begin < n; begin += size) {
    std::memcpy(turned, x + begin, sizeof(float) * std::size_t(size));
    hadamard(turned, size);
    for (int d = 0; d < size; d += kQ8Group) {
      typename Fm::Block block;
      pack_group<Fm>(turned + d, block);
      put((begin + d) / kQ8Group, block);
    }
  }
}

template <class Fm>
void store_packed_key(const KvView& kv, std::int32_t position, const float* key) noexcept {
  std::byte* panels = kv.keys + position / kKeyBlock * kv.key_block_bytes;
  const int lane = position % kKeyBlock;
  pack_vector<Fm>(key, kv.key_dim, [&](int group, const typename Fm::Block& block) {
    std::byte* panel = panels + group * kPanelRows * int(sizeof block);
    const auto* row = reinterpret_cast<const std::byte*>(&block);
    for (const Field& f : Fm::fields) {
      for (int at = f.offset; at < f.offset + f.bytes; at += f.unit)
        std::memcpy(panel + kPanelRows * at + lane * f.unit, row + at, f.unit);
    }
  });
}

template <class Fm>
void store_packed_value(const KvView& kv, std::int32_t position, const float* value) noexcept {
  std::byte* row = kv.values + position * kv.value_row_bytes;
  pack_vector<Fm>(value, kv.value_dim, [&](int group, const typename Fm::Block& block) {
    std::memcpy(row + group * int(sizeof block), &block, sizeof block);
  });
}

// A group of the keys of kKeyBlock tokens, to (kQ8Group, kKeyBlock).
template <class Fm>
void unpack_panel(const std::byte* panel, float* to) {
  for (int part = 0; part < kKeyVectors; ++part) {
    const Cursor c{panel, part};
    const F scale = Fm::scale(c);
    for (int g = 0; g < kQ8Quads; ++g) {
      const I quad = Fm::quads(c, g);
      for (int k = 0; k < kQ8Quad; ++k) {
        const I q = Fm::kSigned ? (quad << (24 - 8 * k)) >> 24 : ((quad >> (8 * k)) & 0xFF) - I(Fm::kOffset);
        F x = xsimd::to_float(q) * scale;
        if constexpr (Fm::kHasMin) x += Fm::minimum(c);
        x.store_unaligned(to + (kQ8Quad * g + k) * kKeyBlock + part * kLanes);
      }
    }
  }
}

// The same with keys as floats.
inline AttendArgs with_unpacked_keys(AttendArgs a) {
  a.kv.keys = reinterpret_cast<std::byte*>(a.unpacked);
  a.kv.key_block_bytes = std::int64_t{kKeyBlock} * a.kv.key_dim * std::int64_t(sizeof(float));
  return a;
}

// Keys become floats, and queries are transformed as keys were.
template <class Fm>
void attend_packed_keys(const AttendArgs& a) noexcept {
  constexpr int kPanelBytes = kPanelRows * int(sizeof(typename Fm::Block));
  const int n = a.kv.key_dim;
  AttendArgs plain = with_unpacked_keys(a);
  for (int t = a.begin; t < a.end; t += kKeyBlock) {
    const std::byte* panel = a.kv.keys + t / kKeyBlock * a.kv.key_block_bytes;
    float* to = a.unpacked + std::int64_t{t} * n;
    for (int d = 0; d < n; d += kQ8Group, panel += kPanelBytes, to += kQ8Group * kKeyBlock)
      unpack_panel<Fm>(panel, to);
  }
  const float* queries[kAttendRows];
  for (int r = 0; r < a.rows; ++r) {
    float* query = a.unpacked + std::int64_t{kAttendKeys + r} * n;
    std::memcpy(query, a.q[r], sizeof(float) * std::size_t(n));
    hadamard(query, n);
    queries[r] = query;
  }
  plain.q = queries;
  attend_keys<CacheF32>(plain);
}

// Sums of the keys that attend_packed_keys has left, whole ones because they are transformed back.
inline void attend_values_in_unpacked_keys(const AttendArgs& a) noexcept {
  const int n = a.kv.key_dim;
  AttendArgs whole = with_unpacked_keys(a);
  whole.kv.value_in_key = 0;
  whole.kv.value_dim = n;
  whole.acc = a.unpacked + std::int64_t{kAttendKeys} * n;
  attend_values_in_keys<CacheF32>(whole);
  for (int r = 0; r < a.rows; ++r) {
    float* sum = whole.acc + std::int64_t{r} * n;
    hadamard(sum, n);
    std::memcpy(a.acc + std::int64_t{r} * a.kv.value_dim, sum + a.kv.value_in_key,
                sizeof(float) * std::size_t(a.kv.value_dim));
  }
}

// Values become floats, and their sums are transformed back.
template <class Fm>
void attend_packed_values(const AttendArgs& a) noexcept {
  if (a.kv.value_in_key >= 0) return attend_values_in_unpacked_keys(a);
  const int n = a.kv.value_dim;
  AttendArgs plain = a;
  plain.kv.values = reinterpret_cast<std::byte*>(a.unpacked);
  plain.kv.value_row_bytes = n * std::int64_t(sizeof(float));
  for (int t = a.begin; t < a.end; ++t) {
    const std::byte* row = a.kv.values + t * a.kv.value_row_bytes;
    for (int d = 0; d < n; d += kQ8Group, row += sizeof(typename Fm::Block)) {
      typename Fm::Block block;
      std::memcpy(&block, row, sizeof block);
      Fm::decode(&block, a.unpacked + std::int64_t{t} * n + d);
    }
  }
  attend_values<CacheF32>(plain);
  for (int r = 0; r < a.rows; ++r) hadamard(a.acc + std::int64_t{r} * n, n);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
