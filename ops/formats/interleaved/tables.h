// IQ*_K_R4 and IQ*_KS_R4, and the types with the table of IQ4_NL. row(src, k, dst): block k of the blocks of
// a group of rows; dst is 0.
#pragma once

#include "ops/formats/interleaved/bits.h"
#include "ops/formats/iq4_nl.h"
#include "ops/formats/iq4_xs.h"
#include "ops/formats/iqk/iq2_k.h"
#include "ops/formats/iqk/iq3_k.h"
#include "ops/formats/iqk/iq4_k.h"
#include "ops/formats/iqk/iq4_ks.h"
#include "ops/formats/iqk/iq5_k.h"
#include "ops/formats/iqk/iq5_ks.h"

namespace longhand {

/// What the _K types share: d of each row, then the bits that move the levels of 16 groups.
struct InterleavedTables {
  static constexpr unsigned kRows = 4;

  static void begin(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    move_bits<1>(
        16, src,
        [=](unsigned g) {
          return BitPlace{8 + k + 4 * (g % 2), g / 2};
        },
        dst, [](unsigned g) { return bit_in_order(2, g); });
  }
  /// Nibbles of 16 groups.
  static void scales(const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst, unsigned to) {
    move_bits<4>(
        16, src,
        [=](unsigned g) {
          const unsigned i = item_of_four_rows(k, g);
          return BitPlace{at + i % 32, 4 * (i / 32)};
        },
        dst, [=](unsigned g) { return nibble_in_order(to, g); });
  }
  /// Pairs of bits of 16 groups.
  static void high_scales(const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst, unsigned to) {
    move_bits<2>(
        16, src,
        [=](unsigned g) {
          const unsigned i = item_of_four_rows(k, g);
          return BitPlace{at + i % 16, 2 * (i / 16)};
        },
        dst, [=](unsigned g) { return pair_in_order(to, g); });
  }
  static void pairs(const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst, unsigned to) {
    move_quads<2>(
        256, src, [=](unsigned w) { return pair_of_four_rows(at, k, w); }, dst,
        [=](unsigned w) { return pair_of_32(to, w); });
  }
  /// The fifth bits of IQ5: the next ones of a byte are eight weights further.
  static void fifth_bits(const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst, unsigned to) {
    move_quads<1>(
        256, src,
        [=](unsigned w) {
          return BitPlace{byte_of_four_rows(at, k, w), w % 32 / 8 + 4 * (w / 4 % 2)};
        },
        dst, [=](unsigned w) { return bit_of_32(to, w); });
  }
  /// The third bits of IQ3_K and Q3_K: the next ones of a byte are four weights further.
  static void third_bits(const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst, unsigned to) {
    move_quads<1>(
        256, src,
        [=](unsigned w) {
          return BitPlace{byte_of_four_rows(at, k, w), w % 32 / 4};
        },
        dst, [=](unsigned w) { return bit_of_32(to, w); });
  }
  static void nibbles(unsigned count, const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst,
                      unsigned to) {
    move_quads<4>(
        count, src, [=](unsigned w) { return nibble_of_four_rows(at, k, w); }, dst,
        [=](unsigned w) { return nibble_of_16(to, w); });
  }
  static void wide_nibbles(const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst, unsigned to) {
    move_quads<4>(
        256, src, [=](unsigned w) { return nibble_of_four_rows(at, k, w); }, dst,
        [=](unsigned w) { return nibble_of_32(to, w); });
  }
  /// A byte per 32 weights.
  static void bytes(const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst, unsigned to) {
    move_bytes(
        8, src, [=](unsigned i) { return at + 4 * i + k; }, dst + to);
  }
};

template <class Format>
struct Interleaved;

template <>
struct Interleaved<IQ2_K> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 337;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    begin(src, k, dst);
    scales(src, 16, k, dst, 4);
    pairs(src, 48, k, dst, 12);
  }
};

template <>
struct Interleaved<IQ3_K> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 338;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    begin(src, k, dst);
    move_bits<1>(
        16, src,
        [=](unsigned g) {
          return BitPlace{16 + k + 4 * (g % 2), g / 2};
        },
        dst, [](unsigned g) { return bit_in_order(4, g); });
    scales(src, 24, k, dst, 6);
    pairs(src, 56, k, dst, 14);
    third_bits(src, 312, k, dst, 78);
  }
};

template <>
struct Interleaved<IQ4_K> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 339;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    begin(src, k, dst);
    high_scales(src, 16, k, dst, 4);
    scales(src, 32, k, dst, 8);
    nibbles(256, src, 64, k, dst, 16);
  }
};

template <>
struct Interleaved<IQ5_K> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 340;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    begin(src, k, dst);
    high_scales(src, 16, k, dst, 4);
    scales(src, 32, k, dst, 8);
    wide_nibbles(src, 64, k, dst, 16);
    fifth_bits(src, 576, k, dst, 144);
  }
};

template <>
struct Interleaved<IQ4_KS> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 344;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    bytes(src, 0, k, dst, 0);
    nibbles(256, src, 32, k, dst, 8);
  }
};

template <>
struct Interleaved<IQ5_KS> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 352;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    bytes(src, 0, k, dst, 0);
    wide_nibbles(src, 32, k, dst, 8);
    fifth_bits(src, 544, k, dst, 136);
  }
};

template <>
struct Interleaved<IQ4_NL> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 220;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    nibbles(32, src, 8, k, dst, 2);
  }
};

template <>
struct Interleaved<IQ4_XS> {
  static constexpr std::uint32_t kGguf = 223;
  static constexpr unsigned kRows = 8;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    move_bits<2>(
        8, src,
        [=](unsigned g) {
          return BitPlace{16 + (8 * g + k) % 16, 2 * (g / 2)};
        },
        dst, [](unsigned g) { return pair_in_order(2, g); });
    move_bits<4>(
        8, src,
        [=](unsigned g) {
          return BitPlace{32 + (8 * g + k) % 32, 4 * (g / 4)};
        },
        dst, [](unsigned g) { return nibble_in_order(4, g); });
    move_quads<4>(
        256, src,
        [=](unsigned w) {
          return BitPlace{64 + 128 * (w / 32) + 32 * (w % 32 / 8) + 4 * k + w % 4, 4 * (w / 4 % 2)};
        },
        dst, [](unsigned w) { return nibble_of_16(8, w); });
  }
};

}  // namespace longhand
