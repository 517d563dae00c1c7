// The levels a scale multiplies: which is nearest to a number, and which code stands for it.
#pragma once

#include "ops/encode/sixteen.inl"
#include "ops/format.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// The code of each level, by the lowest byte of the level.
struct CodeTable {
  std::uint8_t of[256];
};

/// All whole numbers from `low` to `high`; code 0 is the lowest.
template <int low, int high>
struct WholeLevels {
  static constexpr float kLow = low, kHigh = high;

  static Sixteen nearest(const Sixteen& v) {
    return rounded(smaller(larger(v, Sixteen::of(kLow)), Sixteen::of(kHigh)));
  }
  static void store_codes(const Sixteen& level, std::uint8_t* code) {
    store_bytes(level - Sixteen::of(kLow), code);
  }
};

/// The odd numbers from 1 to 2 count - 1; code s is 2 s + 1.
template <int count>
struct OddLevels {
  static constexpr float kLow = 1, kHigh = 2 * count - 1;

  static Sixteen nearest(const Sixteen& v) {
    const Sixteen one = Sixteen::of(1), two = Sixteen::of(2);
    const Sixteen half = (smaller(larger(v, one), Sixteen::of(kHigh)) - one) * Sixteen::of(0.5f);
    return rounded(half) * two + one;
  }
};

/// Levels of a table in rising order, of int8 range.
template <const std::int8_t* table, int count>
struct TableLevels {
  static constexpr float kLow = table[0], kHigh = table[count - 1];

  static Sixteen nearest(const Sixteen& v) {
    Sixteen level = Sixteen::of(table[0]);
    for (int i = 1; i < count; ++i) {
      const Sixteen border = Sixteen::of(0.5f * float(table[i - 1] + table[i]));
      level = where_greater(v, border, Sixteen::of(table[i]), level);
    }
    return level;
  }
  static void store_codes(const Sixteen& level, std::uint8_t* code) {
    store_bytes(level, code);
    for (int i = 0; i < 16; ++i) code[i] = kCodes.of[code[i]];
  }

 private:
  static constexpr CodeTable kCodes = [] {
    CodeTable codes{};
    for (int i = 0; i < count; ++i) codes.of[std::uint8_t(table[i])] = std::uint8_t(i);
    return codes;
  }();
};

using Iq4 = TableLevels<kIq4Levels, 16>;

/// Twice the values of the 4-bit float E2M1, from -12 to 12.
struct E2m1Levels {
  static constexpr float kLow = -12, kHigh = 12;

  // From 2 on levels have two significant bits, and below they are whole.
  static Sixteen nearest(const Sixteen& v) {
    const Sixteen inside = smaller(larger(v, Sixteen::of(kLow)), Sixteen::of(kHigh));
    // Cuts off all but two bits, to nearest (Dekker 1971, with the factor of Veltkamp).
    const Sixteen shifted = inside * Sixteen::of(0x1p22f + 1);
    const Sixteen two_bits = shifted - (shifted - inside);
    return where_greater(magnitude(inside), Sixteen::of(2), two_bits, rounded(inside));
  }
  static void store_codes(const Sixteen& level, std::uint8_t* code) {
    store_bytes(level, code);
    for (int i = 0; i < 16; ++i) code[i] = kCodes.of[code[i]];
  }

 private:
  static constexpr CodeTable kCodes = [] {
    CodeTable codes{};
    for (int i = 15; i >= 0; --i) codes.of[std::uint8_t(kE2m1[i] - MXFP4::kOffset)] = std::uint8_t(i);
    return codes;
  }();
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
