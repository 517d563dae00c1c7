#include "ops/error.h"

#include <fmt/format.h>

#include <array>

#include "ops/invisible.h"

namespace longhand {
namespace {

constexpr std::array<std::string_view, 20> kNames = {
    "E_IO",          "E_TRUNCATED", "E_MAGIC",        "E_VERSION",   "E_LIMIT",
    "E_TYPE",        "E_RANGE",     "E_SHAPE",        "E_MISSING",   "E_DUPLICATE",
    "E_UNSUPPORTED", "E_NO_MEMORY", "E_CONTEXT_FULL", "E_NONFINITE", "E_CANCELLED",
    "E_TEMPLATE",    "E_GRAMMAR",   "E_CORRUPT",      "E_MISMATCH",  "E_BUSY"};

// Length of the valid UTF-8 sequence at the start of `s`, or 0.
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned lead = byte(0);
  const std::size_t n = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : (lead & 0xF0) == 0xE0       ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (n == 0 || n > s.size()) return 0;
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (n == 3 && ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) >= 0xA0))) return 0;
  if (n == 4 && ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) >= 0x90))) return 0;
  return n;
}

// The character that a valid sequence encodes.
char32_t code_of(std::string_view sequence) {
  const auto byte = [&](std::size_t i) { return char32_t{static_cast<unsigned char>(sequence[i])}; };
  if (sequence.size() == 1) return byte(0);
  char32_t code = byte(0) & (0x7Fu >> sequence.size());
  for (std::size_t i = 1; i < sequence.size(); ++i) code = code << 6 | (byte(i) & 0x3F);
  return code;
}

}  // namespace

std::string_view errc_name(Errc code) noexcept { return kNames[static_cast<std::size_t>(code)]; }

std::string escape_controls(std::string_view text, std::size_t limit) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    std::string piece;
    std::size_t taken = utf8_length(text);
    const char32_t code = taken == 0 ? c : code_of(text.substr(0, taken));
    if (taken != 0 && !is_invisible(code)) {
      piece = text.substr(0, taken);
    } else if (taken > 1) {
      piece = fmt::format("\\u{{{:x}}}", unsigned(code));
    } else {
      taken = 1;
      piece = c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string{'\\', 'x', kHex[c >> 4], kHex[c & 15]};
    }
    if (out.size() + piece.size() > limit) break;
    out += piece;
    text.remove_prefix(taken);
  }
  return out;
}

Error::Error(Errc code, std::string_view message)
    : std::runtime_error(escape_controls(message, 480) + " [" + std::string(errc_name(code)) + "]"),
      code_(code) {}

}  // namespace longhand
