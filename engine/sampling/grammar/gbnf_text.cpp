#include "engine/sampling/grammar/gbnf_text.h"

#include <fmt/format.h>

namespace longhand {

std::string gbnf_literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = std::uint8_t(c);
    if (c == '"' || c == '\\') {
      out += fmt::format("\\{}", c);
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string gbnf_class(const CodePoints& set) {
  const auto one = [](std::uint32_t c) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return plain     ? std::string(1, char(c))
           : c < 256 ? fmt::format("\\x{:02X}", c)
                     : fmt::format("\\U{:08X}", c);
  };
  std::string out = "[";
  for (const auto& [first, last] : set) out += first == last ? one(first) : one(first) + "-" + one(last);
  return out + "]";
}

std::string gbnf_repeat(const std::string& element, std::uint32_t min, std::uint32_t max) {
  if (max == kNoLimit) return min == 0 ? element + "*" : fmt::format("{}{{{},}}", element, min);
  return min == max ? fmt::format("{}{{{}}}", element, min) : fmt::format("{}{{{},{}}}", element, min, max);
}

}  // namespace longhand
