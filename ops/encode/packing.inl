// Codes of less than a byte, put together as several formats have them. Every byte is made at once, in loops
// that compilers vectorise.
#pragma once

#include <cstdint>

#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

/// Four bits of 32 codes, the second half in the high nibbles.
inline void pack_nibbles(const std::uint8_t* code, std::uint8_t* qs) {
  for (int j = 0; j < 16; ++j) qs[j] = std::uint8_t((code[j] & 15) | (code[j + 16] & 15) << 4);
}
/// The fifth bits of 32 codes.
inline void pack_fifth_bits(const std::uint8_t* code, std::uint8_t* qh) {
  for (int i = 0; i < 4; ++i) {
    int byte = 0;
    for (int j = 0; j < 8; ++j) byte |= (code[8 * i + j] >> 4 & 1) << j;
    qh[i] = std::uint8_t(byte);
  }
}
/// The lower four bits of 256 codes: of each 64, the first 32 in low nibbles and the others in high ones.
inline void pack_low_nibbles(const std::uint8_t* code, std::uint8_t* qs) {
  for (int run = 0; run < 4; ++run) {
    for (int j = 0; j < 32; ++j) {
      const std::uint8_t* at = code + 64 * run + j;
      qs[32 * run + j] = std::uint8_t((at[0] & 15) | (at[32] & 15) << 4);
    }
  }
}
/// Two bits of 256 codes, from bit `shift` on: of each 128, four that are 32 apart in a byte.
inline void pack_pairs(const std::uint8_t* code, int shift, std::uint8_t* qs) {
  for (int half = 0; half < 2; ++half) {
    for (int j = 0; j < 32; ++j) {
      const std::uint8_t* at = code + 128 * half + j;
      qs[32 * half + j] = std::uint8_t((at[0] >> shift & 3) | (at[32] >> shift & 3) << 2 |
                                       (at[64] >> shift & 3) << 4 | (at[96] >> shift & 3) << 6);
    }
  }
}
/// Bit `shift` of 256 codes: eight that are 32 apart in a byte.
inline void pack_bits(const std::uint8_t* code, int shift, std::uint8_t* qh) {
  for (int j = 0; j < 32; ++j) {
    int byte = 0;
    for (int run = 0; run < 8; ++run) byte |= (code[32 * run + j] >> shift & 1) << run;
    qh[j] = std::uint8_t(byte);
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
