// Moving bits from where a group of rows has them to where a row of its own does.
#pragma once

#include <cstdint>
#include <cstring>

#include "ops/half.h"

namespace longhand {

/// Where some bits are: a byte of a block, and how far they are shifted in it.
struct BitPlace {
  unsigned byte, shift;
};

/// Items 0 to count - 1, of `bits` bits each: item i is at from(i) in `src` and goes to to(i) in `dst`, which
/// is 0 there.
template <unsigned bits, class From, class To>
void move_bits(unsigned count, const std::uint8_t* src, const From& from, std::uint8_t* dst, const To& to) {
  for (unsigned i = 0; i < count; ++i) {
    const BitPlace a = from(i), b = to(i);
    const unsigned item = unsigned(src[a.byte]) >> a.shift & ((1u << bits) - 1);
    dst[b.byte] = std::uint8_t(dst[b.byte] | item << b.shift);
  }
}
/// The same where items 4 i to 4 i + 3 are in four neighbouring bytes, equally shifted, before and after.
template <unsigned bits, class From, class To>
void move_quads(unsigned count, const std::uint8_t* src, const From& from, std::uint8_t* dst, const To& to) {
  constexpr std::uint32_t kMask = ((1u << bits) - 1) * 0x01010101u;
  for (unsigned i = 0; i < count; i += 4) {
    const BitPlace a = from(i), b = to(i);
    std::uint32_t items, word;
    std::memcpy(&items, src + a.byte, sizeof items);
    std::memcpy(&word, dst + b.byte, sizeof word);
    word |= (items >> a.shift & kMask) << b.shift;
    std::memcpy(dst + b.byte, &word, sizeof word);
  }
}
/// Whole bytes: byte i is at from(i).
template <class From>
void move_bytes(unsigned count, const std::uint8_t* src, const From& from, std::uint8_t* dst) {
  for (unsigned i = 0; i < count; ++i) dst[i] = src[from(i)];
}

// Places in a block of its own, of weight w; `at` is the first byte of the field.

/// Four bits; 32 weights share 16 bytes, the low nibbles of weights 0 to 15.
constexpr BitPlace nibble_of_16(unsigned at, unsigned w) {
  return {at + 16 * (w / 32) + w % 16, 4 * (w / 16 % 2)};
}
/// Four bits; 64 weights share 32 bytes.
constexpr BitPlace nibble_of_32(unsigned at, unsigned w) {
  return {at + 32 * (w / 64) + w % 32, 4 * (w / 32 % 2)};
}
/// Two bits; 128 weights share 32 bytes.
constexpr BitPlace pair_of_32(unsigned at, unsigned w) {
  return {at + 32 * (w / 128) + w % 32, 2 * (w / 32 % 4)};
}
/// One bit; 256 weights share 32 bytes.
constexpr BitPlace bit_of_32(unsigned at, unsigned w) { return {at + w % 32, w / 32}; }
/// Nibbles and pairs of bits in the order of the items.
constexpr BitPlace nibble_in_order(unsigned at, unsigned i) { return {at + i / 2, 4 * (i % 2)}; }
constexpr BitPlace pair_in_order(unsigned at, unsigned i) { return {at + i / 4, 2 * (i % 4)}; }
constexpr BitPlace bit_in_order(unsigned at, unsigned i) { return {at + i / 8, i % 8}; }

// Places in four rows together, of weight w of row k. Four neighbouring weights of a row stand side by side,
// then those of the next row.

/// Four bits; the high nibbles are eight weights further.
constexpr BitPlace nibble_of_four_rows(unsigned at, unsigned k, unsigned w) {
  const unsigned v = w % 32;
  return {at + 64 * (w / 32) + 32 * (v / 4 % 2) + 16 * (v / 16) + 4 * k + v % 4, 4 * (v / 8 % 2)};
}
/// Two bits; the next ones of a byte are four weights further.
constexpr BitPlace pair_of_four_rows(unsigned at, unsigned k, unsigned w) {
  const unsigned v = w % 32;
  return {at + 32 * (w / 32) + 16 * (v / 16) + 4 * k + v % 4, 2 * (v / 4 % 4)};
}
/// One bit; which of a byte is up to the type.
constexpr unsigned byte_of_four_rows(unsigned at, unsigned k, unsigned w) {
  return at + 16 * (w / 32) + 4 * k + w % 4;
}
/// Items of 16 weights, two for each run of 32: the number of item i of row k among those of all four rows.
/// Fields have as many of them as bytes, and then the next in higher bits of the same bytes.
constexpr unsigned item_of_four_rows(unsigned k, unsigned i) { return 8 * (i / 2) + 4 * (i % 2) + k; }

}  // namespace longhand
