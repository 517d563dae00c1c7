// The printable characters that byte-level vocabularies write bytes as.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "engine/text/unicode.h"

namespace longhand {

/// GPT-2's table: printable bytes of Latin-1 stand for themselves, the other 68 follow in order from U+0100.
constexpr std::array<char32_t, 256> byte_characters() {
  std::array<char32_t, 256> map{};
  char32_t next = 0x100;
  for (char32_t b = 0; b < 256; ++b) {
    const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    map[b] = printable ? b : next++;
  }
  return map;
}
inline constexpr std::array<char32_t, 256> kByteCharacters = byte_characters();

}  // namespace longhand
