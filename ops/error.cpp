#include "ops/error.h"

#include <fmt/format.h>

#include <array>

#include "ops/invisible.h"
#include "ops/utf8.h"

namespace longhand {
namespace {

constexpr std::array<std::string_view, 20> kNames = {
    "E_IO",          "E_TRUNCATED", "E_MAGIC",        "E_VERSION",   "E_LIMIT",
    "E_TYPE",        "E_RANGE",     "E_SHAPE",        "E_MISSING",   "E_DUPLICATE",
    "E_UNSUPPORTED", "E_NO_MEMORY", "E_CONTEXT_FULL", "E_NONFINITE", "E_CANCELLED",
    "E_TEMPLATE",    "E_GRAMMAR",   "E_CORRUPT",      "E_MISMATCH",  "E_BUSY"};

}  // namespace

std::string_view errc_name(Errc code) noexcept { return kNames[std::size_t(code)]; }

std::string escape_controls(std::string_view text, std::size_t limit) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const auto c = std::uint8_t(text.front());
    std::string piece;
    std::size_t taken = utf8_length(text);
    const char32_t code = taken == 0 ? c : utf8_code(text.substr(0, taken));
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
