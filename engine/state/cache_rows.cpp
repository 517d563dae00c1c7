#include "engine/state/cache_rows.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "ops/format.h"
#include "ops/hadamard.h"
#include "ops/half.h"

namespace longhand {
namespace {

// A key among those of a block, and its dimensions.
struct KeyPlace {
  const std::byte* block;
  int lane, dims;
};

// How numbers of one format are read and moved: of a row of n, and of dimensions [from, to) of a key.
struct Access {
  void (*read_row)(const std::byte* row, int n, float* to) noexcept;
  void (*read_key)(const KeyPlace& key, int from, int to, float* x) noexcept;
  void (*place)(const std::byte* row, int n, std::byte* block, int lane) noexcept;
};

// Rows of `Unit`, and blocks of rows of kKeyBlock of them.
template <class Unit, float (*number)(Unit)>
struct Units {
  static float at(const std::byte* p) {
    Unit unit;
    std::memcpy(&unit, p, sizeof unit);
    return number(unit);
  }
  static std::size_t in_block(int d, int lane) { return sizeof(Unit) * std::size_t(d * kKeyBlock + lane); }
  static void read_row(const std::byte* row, int n, float* to) noexcept {
    for (int d = 0; d < n; ++d) to[d] = at(row + sizeof(Unit) * std::size_t(d));
  }
  static void read_key(const KeyPlace& key, int from, int to, float* x) noexcept {
    for (int d = from; d < to; ++d) x[d - from] = at(key.block + in_block(d, key.lane));
  }
  static void place(const std::byte* row, int n, std::byte* block, int lane) noexcept {
    for (int d = 0; d < n; ++d)
      std::memcpy(block + in_block(d, lane), row + sizeof(Unit) * std::size_t(d), sizeof(Unit));
  }
};
float itself(float x) { return x; }

// Groups of bytes with their scale.
struct Bytes {
  static float at(const std::byte* scale, const std::byte* q) {
    std::uint16_t half;
    std::memcpy(&half, scale, sizeof half);
    return f16_to_f32(half) * float(std::int8_t(*q));
  }
  static void read_row(const std::byte* row, int n, float* to) noexcept {
    for (int d = 0; d < n; d += kQ8Group, row += kQ8RowBytes) {
      for (int i = 0; i < kQ8Group; ++i) to[d + i] = at(row, row + kQ8ScaleBytes + i);
    }
  }
  static void read_key(const KeyPlace& key, int from, int to, float* x) noexcept {
    for (int d = from; d < to; ++d) {
      const std::byte* group = key.block + d / kQ8Group * kQ8KeyBytes;
      const std::byte* quad =
          group + kQ8KeyScales + d % kQ8Group / kQ8Quad * kQ8KeyQuads + kQ8Quad * key.lane;
      x[d - from] = at(group + kQ8ScaleBytes * key.lane, quad + d % kQ8Quad);
    }
  }
  static void place(const std::byte* row, int n, std::byte* block, int lane) noexcept {
    for (int d = 0; d < n; d += kQ8Group, row += kQ8RowBytes, block += kQ8KeyBytes) {
      std::memcpy(block + kQ8ScaleBytes * lane, row, kQ8ScaleBytes);
      std::byte* to = block + kQ8KeyScales + kQ8Quad * lane;
      for (int q = 0; q < kQ8Quads; ++q)
        std::memcpy(to + q * kQ8KeyQuads, row + kQ8ScaleBytes + q * kQ8Quad, kQ8Quad);
    }
  }
};

// Blocks of the tensor format Fm, transformed; panels of them.
template <class Fm>
struct Packed {
  static constexpr std::size_t kBytes = sizeof(typename Fm::Block), kPanelBytes = kKeyBlock * kBytes;
  // f(byte of a row's block, the same byte's place in a panel, how many) for all of a block.
  template <class Visit>
  static void each_unit(int lane, const Visit& visit) {
    for (const Field& f : Fm::fields) {
      for (std::size_t at = f.offset; at < std::size_t(f.offset + f.bytes); at += f.unit)
        visit(at, kKeyBlock * at + std::size_t(lane) * f.unit, f.unit);
    }
  }
  static void decode(const std::byte* bytes, float* to) {
    typename Fm::Block block;
    std::memcpy(&block, bytes, sizeof block);
    Fm::decode(&block, to);
  }
  static void read_row(const std::byte* row, int n, float* to) noexcept {
    for (int d = 0; d < n; d += kQ8Group, row += kBytes) decode(row, to + d);
    hadamard(to, n);
  }
  static void read_group(const KeyPlace& key, int d, float* x) {
    const std::byte* panel = key.block + std::size_t(d / kQ8Group) * kPanelBytes;
    std::array<std::byte, kBytes> row;
    each_unit(key.lane, [&](std::size_t in_row, std::size_t in_panel, std::size_t count) {
      std::memcpy(row.data() + in_row, panel + in_panel, count);
    });
    decode(row.data(), x);
  }
  // Dimensions that were transformed together are read together.
  static void read_key(const KeyPlace& key, int from, int to, float* x) noexcept {
    const int size = hadamard_size(key.dims);
    std::array<float, 256> turned;
    for (int begin = from / size * size; begin < to; begin += size) {
      for (int d = 0; d < size; d += kQ8Group) read_group(key, begin + d, turned.data() + d);
      hadamard(turned.data(), size);
      const int first = std::max(begin, from), end = std::min(begin + size, to);
      std::copy(turned.data() + (first - begin), turned.data() + (end - begin), x + (first - from));
    }
  }
  static void place(const std::byte* row, int n, std::byte* panel, int lane) noexcept {
    for (int d = 0; d < n; d += kQ8Group, row += kBytes, panel += kPanelBytes) {
      each_unit(lane, [&](std::size_t in_row, std::size_t in_panel, std::size_t count) {
        std::memcpy(panel + in_panel, row + in_row, count);
      });
    }
  }
};

template <class Rows>
constexpr Access access_of() {
  return {Rows::read_row, Rows::read_key, Rows::place};
}

// By CacheFormat.
constexpr std::array<Access, kCacheFormats> kAccess = {access_of<Units<float, itself>>(),
                                                       access_of<Units<std::uint16_t, f16_to_f32>>(),
                                                       access_of<Bytes>(),
                                                       access_of<Units<std::uint16_t, bf16_to_f32>>(),
                                                       access_of<Packed<Q4_0>>(),
                                                       access_of<Packed<Q4_1>>(),
                                                       access_of<Packed<Q5_0>>(),
                                                       access_of<Packed<Q5_1>>(),
                                                       access_of<Packed<IQ4_NL>>()};

std::byte* block_of(const KvView& view, int index) noexcept {
  return view.keys + index / kKeyBlock * view.key_block_bytes;
}
KeyPlace key_at(const KvView& view, int index) noexcept {
  return {block_of(view, index), index % kKeyBlock, view.key_dim};
}

}  // namespace

void read_key(const KvShape& shape, const KvView& view, int index, float* key) noexcept {
  kAccess[std::size_t(shape.keys)].read_key(key_at(view, index), 0, view.key_dim, key);
}

void read_value(const KvShape& shape, const KvView& view, int index, float* value) noexcept {
  if (const int from = view.value_in_key; from >= 0)
    return kAccess[std::size_t(shape.keys)].read_key(key_at(view, index), from, from + view.value_dim, value);
  kAccess[std::size_t(shape.values)].read_row(view.values + index * view.value_row_bytes, view.value_dim,
                                              value);
}

void place_key(const KvShape& shape, const std::byte* row, const KvView& view, int index) noexcept {
  kAccess[std::size_t(shape.keys)].place(row, view.key_dim, block_of(view, index), index % kKeyBlock);
}

}  // namespace longhand
