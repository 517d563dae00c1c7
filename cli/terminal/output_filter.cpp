#include "cli/terminal/output_filter.h"

#include <fmt/format.h>

#include "ops/invisible.h"

namespace longhand::cli {
namespace {

struct Decoded {
  std::size_t length;  // 0: invalid, or cut off
  bool unfinished;     // a valid character as far as it goes
  char32_t value;
};

unsigned byte_at(std::string_view text, std::size_t i) { return std::uint8_t(text[i]); }

// Bounds of the second byte exclude overlong forms, surrogates and values beyond U+10FFFF (Unicode, table
// 3-7).
bool legal_second(unsigned lead, unsigned second) {
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high;
}

Decoded decode_first(std::string_view text) {
  const unsigned lead = byte_at(text, 0);
  if (lead < 0x80) return {1, false, lead};
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : (lead & 0xF0) == 0xE0        ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0) return {0, false, 0};
  char32_t value = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {0, true, 0};
    const unsigned next = byte_at(text, i);
    if (i == 1 ? !legal_second(lead, next) : (next & 0xC0) != 0x80) return {0, false, 0};
    value = value << 6 | (next & 0x3F);
  }
  return {length, false, value};
}

using IsHidden = bool (*)(char32_t) noexcept;

void append_filtered(std::string& out, std::string_view& text, bool at_end, IsHidden is_hidden) {
  while (!text.empty()) {
    const Decoded decoded = decode_first(text);
    if (decoded.unfinished && !at_end) return;
    const std::size_t taken = decoded.length == 0 ? 1 : decoded.length;
    if (decoded.length == 0) {
      out += fmt::format("\\x{:02x}", byte_at(text, 0));
    } else if (decoded.value == '\n' || decoded.value == '\t' || !is_hidden(decoded.value)) {
      out += text.substr(0, taken);
    } else if (decoded.value < 0x80) {
      out += fmt::format("\\x{:02x}", unsigned(decoded.value));
    } else {
      out += fmt::format("\\u{{{:x}}}", unsigned(decoded.value));
    }
    text.remove_prefix(taken);
  }
}

}  // namespace

std::string OutputFilter::push(std::string_view bytes) {
  held_ += bytes;
  std::string out;
  std::string_view rest = held_;
  append_filtered(out, rest, false, is_control);
  held_ = std::string(rest);
  return out;
}

std::string OutputFilter::finish() {
  std::string out;
  std::string_view rest = held_;
  append_filtered(out, rest, true, is_control);
  held_.clear();
  return out;
}

std::string make_visible(std::string_view text) {
  std::string out;
  append_filtered(out, text, true, is_invisible);
  return out;
}

}  // namespace longhand::cli
