// IQ2_*_R4, IQ3_*_R4 and IQ1_S_R4. As in tables.h.
#pragma once

#include "ops/formats/grids/iq1_s.h"
#include "ops/formats/grids/iq2_s.h"
#include "ops/formats/grids/iq2_xs.h"
#include "ops/formats/grids/iq2_xxs.h"
#include "ops/formats/grids/iq3_s.h"
#include "ops/formats/grids/iq3_xxs.h"
#include "ops/formats/interleaved/tables.h"

namespace longhand {

/// Seven signs are kept as another number of seven bits, from which this makes them again.
constexpr unsigned plain_signs(unsigned code) { return (code ^ (code << 1)) & 127; }

struct InterleavedGrid : InterleavedTables {
  /// `count` bytes for each 32 weights.
  static void entries(unsigned count, const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst) {
    move_bytes(
        8 * count, src, [=](unsigned i) { return at + 4 * count * (i / count) + count * k + i % count; },
        dst);
  }
  /// Word `ib` of row k: four bytes, each with seven signs above a bit of the scale. In a block of its own
  /// the signs are 28 bits, and the scale is above them.
  static void signs_and_scale(const std::uint8_t* src, unsigned at, unsigned ib, unsigned k,
                              std::uint8_t* dst) {
    std::uint32_t word = 0;
    for (unsigned j = 0; j < 4; ++j) {
      const unsigned byte = src[at + 4 * (4 * ib + k) + j];
      word |= plain_signs(byte >> 1) << (7 * j) | (byte & 1) << (28 + j);
    }
    std::memcpy(dst, &word, sizeof word);
  }
};

template <>
struct Interleaved<IQ2_XXS> : InterleavedGrid {
  static constexpr std::uint32_t kGguf = 216;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    for (unsigned ib = 0; ib < 8; ++ib) {
      std::memcpy(dst + 2 + 8 * ib, src + 136 + 16 * ib + 4 * k, 4);
      signs_and_scale(src, 8, ib, k, dst + 6 + 8 * ib);
    }
  }
};

template <>
struct Interleaved<IQ2_XS> : InterleavedGrid {
  static constexpr std::uint32_t kGguf = 217;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    for (unsigned i = 0; i < 32; ++i) {
      std::uint16_t entry;
      std::memcpy(&entry, src + 8 + 2 * (16 * (i / 4) + 4 * k + i % 4), sizeof entry);
      entry = std::uint16_t((entry & 511u) | plain_signs(entry >> 9u) << 9);
      std::memcpy(dst + 2 + 2 * i, &entry, sizeof entry);
    }
    bytes(src, 264, k, dst, 66);
  }
};

template <>
struct Interleaved<IQ2_S> : InterleavedGrid {
  static constexpr std::uint32_t kGguf = 222;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    entries(4, src, 8, k, dst + 2);
    entries(4, src, 168, k, dst + 34);
    bytes(src, 136, k, dst, 66);
    bytes(src, 296, k, dst, 74);
  }
};

template <>
struct Interleaved<IQ3_XXS> : InterleavedGrid {
  static constexpr std::uint32_t kGguf = 218;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    entries(8, src, 136, k, dst + 2);
    for (unsigned ib = 0; ib < 8; ++ib) signs_and_scale(src, 8, ib, k, dst + 66 + 4 * ib);
  }
};

template <>
struct Interleaved<IQ3_S> : InterleavedGrid {
  static constexpr std::uint32_t kGguf = 221;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    move_bytes(
        64, src, [=](unsigned i) { return 8 + 32 * (i / 8) + 8 * (i % 4) + 4 * (i / 4 % 2) + k; }, dst + 2);
    bytes(src, 264, k, dst, 66);
    move_bits<1>(
        256, src,
        [=](unsigned w) {
          return BitPlace{byte_of_four_rows(296, k, w), w % 32 / 4};
        },
        dst, [](unsigned w) { return bit_in_order(74, w); });
    move_bits<4>(
        8, src,
        [=](unsigned g) {
          return BitPlace{424 + (4 * g + k) % 16, 4 * (g / 4)};
        },
        dst, [](unsigned g) { return nibble_in_order(106, g); });
  }
};

/// Here d is the whole row's, and blocks have 32 weights: 6 bytes for each row. Eight of them, with d, are a
/// block of IQ1_S.
template <>
struct Interleaved<IQ1_S> : InterleavedGrid {
  static constexpr std::uint32_t kGguf = 219;
  static constexpr unsigned kHead = 2, kBlockBytes = 48;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    for (unsigned ib = 0; ib < 8; ++ib) {
      const std::uint8_t* const from = src + 24 * ib;
      move_bytes(
          4, from, [=](unsigned i) { return 4 * i + k; }, dst + 2 + 4 * ib);
      std::memcpy(dst + 34 + 2 * ib, from + 16 + 2 * k, 2);
    }
  }
};

}  // namespace longhand
