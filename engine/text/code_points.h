// Sets of Unicode characters as UTF-8 sees them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace longhand {

inline constexpr std::uint32_t kMaxCodePoint = 0x10FFFF;

constexpr bool is_surrogate(std::uint32_t c) noexcept { return c >= 0xD800 && c <= 0xDFFF; }

/// Closed ranges of code points.
using CodePoints = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// Ascending, disjoint, without surrogates (which no UTF-8 text holds); `inverted`: all other characters.
CodePoints normalised(CodePoints ranges, bool inverted = false);

/// Byte ranges, one per byte of the encoding: {{0xE1,0xEC}, {0x80,0xBF}, {0x80,0xBF}}.
struct Utf8Range {
  std::array<std::pair<std::uint8_t, std::uint8_t>, 4> bytes{};
  int length = 0;
};
/// The encodings of normalised `ranges`, each character in exactly one.
std::vector<Utf8Range> utf8_ranges(const CodePoints& ranges);

std::string encode_utf8(std::uint32_t code_point);
/// Takes one character off the front of `text`; nothing if that is no valid UTF-8.
std::optional<std::uint32_t> take_utf8(std::string_view& text);

}  // namespace longhand
