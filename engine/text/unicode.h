// UTF-8 and the properties of characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace longhand {

inline constexpr char32_t kReplacement = 0xFFFD;
inline constexpr char32_t kLastCodePoint = 0x10FFFF;

/// General categories, in the order of the generated tables.
enum class Category : std::uint8_t {
  Cn,
  Lu,
  Ll,
  Lt,
  Lm,
  Lo,
  Mn,
  Mc,
  Me,
  Nd,
  Nl,
  No,
  Pc,
  Pd,
  Ps,
  Pe,
  Pi,
  Pf,
  Po,
  Sm,
  Sc,
  Sk,
  So,
  Zs,
  Zl,
  Zp,
  Cc,
  Cf,
  Cs,
  Co
};

/// A set of categories: bit i stands for Category(i).
using CategoryMask = std::uint32_t;
constexpr CategoryMask category_bit(Category c) { return 1u << unsigned(c); }
/// The mask of a name as in regular expressions: "L", "Lu", "P" ... 0 if there is none such.
constexpr CategoryMask category_mask(std::string_view name) {
  constexpr std::string_view kNames = "CnLuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCsCo";
  CategoryMask mask = 0;
  for (std::size_t i = 0; i < kNames.size() / 2; ++i) {
    if (!name.empty() && kNames.substr(i * 2, 2).starts_with(name)) mask |= 1u << i;
  }
  return mask;
}

struct Decoded {
  char32_t code = kReplacement;
  std::uint32_t length = 0;  // bytes taken, at least 1
  bool valid = false;
};

namespace detail {
Decoded decode_multibyte(std::string_view text, std::size_t at) noexcept;
}

/// The character at byte `at` < text.size(). Bytes that are no UTF-8 give U+FFFD, one for each longest prefix
/// of a valid sequence, as the Unicode standard recommends.
inline Decoded decode_utf8(std::string_view text, std::size_t at) noexcept {
  const auto byte = std::uint8_t(text[at]);
  if (byte < 0x80) return {byte, 1, true};
  return detail::decode_multibyte(text, at);
}

void append_utf8(std::string& out, char32_t code);
/// `text` with every invalid byte sequence as U+FFFD.
std::string replace_invalid(std::string_view text);
/// How many bytes at the end of `text` are the beginning of a character that is not complete yet (0..3).
std::size_t unfinished_bytes(std::string_view text) noexcept;

Category category(char32_t code) noexcept;
inline bool is_category(char32_t code, CategoryMask mask) noexcept {
  return (category_bit(category(code)) & mask) != 0;
}
bool is_white_space(char32_t code) noexcept;
/// Simple (one to one) lower case.
char32_t to_lower(char32_t code) noexcept;
/// The character without its accents: the first of its canonical decomposition.
char32_t base_character(char32_t code) noexcept;

}  // namespace longhand
