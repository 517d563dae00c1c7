#include "engine/text/unicode.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "engine/text/unicode_tables.h"

namespace longhand {
namespace {

// Entry of a table sorted by `key` with this exact key, or nullptr.
template <class Table, class Key>
const auto* find_entry(const Table& table, char32_t code, Key key) {
  const auto it = std::ranges::lower_bound(table, std::uint32_t{code}, {}, key);
  return it != table.end() && key(*it) == code ? &*it : nullptr;
}

// The second byte of a multi-byte sequence has a narrower range after some first bytes: it excludes overlong
// forms, surrogates and values beyond U+10FFFF.
constexpr std::pair<unsigned, unsigned> second_byte_range(unsigned lead) {
  switch (lead) {
    case 0xE0:
      return {0xA0, 0xBF};
    case 0xED:
      return {0x80, 0x9F};
    case 0xF0:
      return {0x90, 0xBF};
    case 0xF4:
      return {0x80, 0x8F};
    default:
      return {0x80, 0xBF};
  }
}

constexpr std::uint32_t sequence_length(unsigned lead) {
  return lead >= 0xC2 && lead <= 0xDF   ? 2
         : lead >= 0xE0 && lead <= 0xEF ? 3
         : lead >= 0xF0 && lead <= 0xF4 ? 4
                                        : 1;
}

Category find_category(char32_t code) noexcept {
  const auto starts = unicode_tables::category_starts();
  const auto next =
      std::ranges::upper_bound(starts, std::uint32_t{code}, {}, &unicode_tables::CategoryStart::first);
  return static_cast<Category>(std::prev(next)->category);
}

// The categories of the characters that most texts are made of, up to the end of the ideographs, need no
// search.
using CommonCategories = std::array<Category, 0xA000>;

CommonCategories common_categories() noexcept {
  CommonCategories categories{};
  for (std::size_t code = 0; code < categories.size(); ++code)
    categories[code] = find_category(char32_t(code));
  return categories;
}

}  // namespace

Decoded detail::decode_multibyte(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return unsigned(std::uint8_t(text[at + i])); };
  const unsigned lead = byte(0);
  const std::uint32_t length = sequence_length(lead);
  if (length == 1) return {kReplacement, 1, false};
  char32_t code = lead & (0xFFu >> (length + 1));
  auto [low, high] = second_byte_range(lead);
  for (std::uint32_t i = 1; i < length; ++i) {
    if (at + i >= text.size() || byte(i) < low || byte(i) > high) return {kReplacement, i, false};
    code = code << 6 | (byte(i) & 0x3F);
    low = 0x80, high = 0xBF;
  }
  return {code, length, true};
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out += char(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

std::string replace_invalid(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    if (c.valid) {
      out += text.substr(at, c.length);
    } else {
      append_utf8(out, kReplacement);
    }
    at += c.length;
  }
  return out;
}

std::size_t unfinished_bytes(std::string_view text) noexcept {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const std::size_t at = text.size() - back;
    const auto lead = std::uint8_t(text[at]);
    if ((lead & 0xC0) == 0x80) continue;
    const Decoded c = decode_utf8(text, at);
    return !c.valid && c.length == back && sequence_length(lead) > back ? back : 0;
  }
  return 0;
}

Category category(char32_t code) noexcept {
  static const CommonCategories common = common_categories();
  return code < common.size() ? common[code] : find_category(code);
}

bool is_white_space(char32_t code) noexcept {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  return std::ranges::any_of(unicode_tables::white_space(),
                             [&](const CodeRange& r) { return r.first <= code && code <= r.last; });
}

char32_t to_lower(char32_t code) noexcept {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
  const auto* entry = find_entry(unicode_tables::lower(), code, [](const auto& e) { return e.from; });
  return entry ? entry->to : code;
}

char32_t base_character(char32_t code) noexcept {
  if (code < 0x80) return code;
  // Hangul syllables decompose by arithmetic; 588 of them begin with each leading consonant.
  constexpr char32_t kFirst = 0xAC00, kCount = 11172, kPerConsonant = 588, kConsonants = 0x1100;
  if (code >= kFirst && code < kFirst + kCount) return kConsonants + (code - kFirst) / kPerConsonant;
  const auto* entry = find_entry(unicode_tables::bases(), code, [](const auto& e) { return e.from; });
  return entry ? entry->to : code;
}

}  // namespace longhand
