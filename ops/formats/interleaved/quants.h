// Q*_0_R*, Q*_K_R4 and MXFP4_R8. As in tables.h.
#pragma once

#include "ops/formats/interleaved/tables.h"
#include "ops/formats/mxfp4.h"
#include "ops/formats/q2_k.h"
#include "ops/formats/q3_k.h"
#include "ops/formats/q4_0.h"
#include "ops/formats/q4_k.h"
#include "ops/formats/q5_0.h"
#include "ops/formats/q5_k.h"
#include "ops/formats/q6_k.h"
#include "ops/formats/q8_0.h"

namespace longhand {

/// Eight rows whose bytes stand four by four.
struct EightRows {
  static constexpr unsigned kRows = 8;

  static void words(unsigned count, const std::uint8_t* src, unsigned at, unsigned k, std::uint8_t* dst) {
    move_bytes(
        count, src, [=](unsigned i) { return at + 32 * (i / 4) + 4 * k + i % 4; }, dst);
  }
};

template <>
struct Interleaved<Q4_0> : EightRows {
  static constexpr std::uint32_t kGguf = 202;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    words(16, src, 16, k, dst + 2);
  }
};

template <>
struct Interleaved<Q8_0> : EightRows {
  static constexpr std::uint32_t kGguf = 208;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    words(32, src, 16, k, dst + 2);
  }
};

template <>
struct Interleaved<MXFP4> : EightRows {
  static constexpr std::uint32_t kGguf = 353;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    dst[0] = src[k];
    words(16, src, 8, k, dst + 1);
  }
};

template <>
struct Interleaved<Q5_0> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 206;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    move_bits<1>(
        32, src,
        [=](unsigned w) {
          return BitPlace{8 + 4 * k + w % 4, 2 * (w / 4 % 2) + w / 16 + 4 * (w / 8 % 2)};
        },
        dst, [](unsigned w) { return bit_in_order(2, w); });
    nibbles(32, src, 24, k, dst, 6);
  }
};

template <>
struct Interleaved<Q2_K> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 210;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    move_bytes(
        16, src, [=](unsigned i) { return 16 + 4 * i + k; }, dst);
    pairs(src, 80, k, dst, 16);
    std::memcpy(dst + 80, src + 2 * k, 2);
    std::memcpy(dst + 82, src + 8 + 2 * k, 2);
  }
};

template <>
struct Interleaved<Q3_K> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 211;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    third_bits(src, 56, k, dst, 0);
    pairs(src, 184, k, dst, 32);
    move_bits<4>(
        16, src,
        [=](unsigned g) {
          const unsigned i = item_of_four_rows(k, g);
          return BitPlace{24 + i % 32, 4 * (i / 32)};
        },
        dst,
        [](unsigned g) {
          return BitPlace{96 + g % 8, 4 * (g / 8)};
        });
    move_bits<2>(
        16, src,
        [=](unsigned g) {
          const unsigned i = item_of_four_rows(k, g);
          return BitPlace{8 + i % 16, 2 * (i / 16)};
        },
        dst,
        [](unsigned g) {
          return BitPlace{104 + g % 4, 2 * (g / 4)};
        });
    std::memcpy(dst + 108, src + 2 * k, 2);
  }
};

/// What Q4_K and Q5_K share: d and dmin, and the packed scales and minimums of eight groups.
struct InterleavedMinima : InterleavedTables {
  static void begin(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    std::memcpy(dst, src + 2 * k, 2);
    std::memcpy(dst + 2, src + 8 + 2 * k, 2);
    const auto low = [=](unsigned g) { return 32 + 4 * g + k; };
    move_bits<4>(
        8, src,
        [=](unsigned g) {
          return BitPlace{low(g), 0};
        },
        dst,
        [](unsigned g) {
          return BitPlace{g < 4 ? 4 + g : 8 + g, 0};
        });
    move_bits<4>(
        8, src,
        [=](unsigned g) {
          return BitPlace{low(g), 4};
        },
        dst,
        [](unsigned g) {
          return BitPlace{8 + g, g < 4 ? 0u : 4u};
        });
    const auto high = [=](unsigned g) { return BitPlace{16 + (4 * g + k) % 16, 4 * (g / 4)}; };
    move_bits<2>(8, src, high, dst, [](unsigned g) { return g < 4 ? BitPlace{4 + g, 4} : BitPlace{g, 6}; });
    move_bits<2>(
        8, src,
        [=](unsigned g) {
          return BitPlace{high(g).byte, high(g).shift + 2};
        },
        dst,
        [](unsigned g) {
          return g < 4 ? BitPlace{8 + g, 4} : BitPlace{4 + g, 6};
        });
  }
};

template <>
struct Interleaved<Q4_K> : InterleavedMinima {
  static constexpr std::uint32_t kGguf = 212;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    begin(src, k, dst);
    wide_nibbles(src, 64, k, dst, 16);
  }
};

template <>
struct Interleaved<Q5_K> : InterleavedMinima {
  static constexpr std::uint32_t kGguf = 213;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    begin(src, k, dst);
    move_quads<1>(
        256, src,
        [=](unsigned w) {
          return BitPlace{byte_of_four_rows(64, k, w), w / 8 % 2 + 2 * (w / 4 % 2) + 4 * (w / 16 % 2)};
        },
        dst, [](unsigned w) { return bit_of_32(16, w); });
    wide_nibbles(src, 192, k, dst, 48);
  }
};

template <>
struct Interleaved<Q6_K> : InterleavedTables {
  static constexpr std::uint32_t kGguf = 214;
  static void row(const std::uint8_t* src, unsigned k, std::uint8_t* dst) {
    move_quads<4>(
        256, src, [=](unsigned w) { return nibble_of_four_rows(328, k, w); }, dst,
        [](unsigned w) {
          return BitPlace{64 * (w / 128) + 32 * (w / 32 % 2) + w % 32, 4 * (w / 64 % 2)};
        });
    move_quads<2>(
        256, src,
        [=](unsigned w) {
          return BitPlace{72 + 32 * (w / 32) + 16 * (w / 16 % 2) + 4 * k + w % 4,
                          2 * (w / 8 % 2) + 4 * (w / 4 % 2)};
        },
        dst, [](unsigned w) { return pair_of_32(128, w); });
    move_bytes(
        16, src, [=](unsigned i) { return 8 + 8 * (i / 2) + 4 * (i % 2) + k; }, dst + 192);
    std::memcpy(dst + 208, src + 2 * k, 2);
  }
};

}  // namespace longhand
