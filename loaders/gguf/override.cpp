#include "loaders/gguf/override.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "loaders/gguf/gguf_reader.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::size_t kMostKey = 128;

[[noreturn]] void refuse(const std::string& text, std::string_view rule) {
  throw Error(Errc::range, fmt::format("{}: {}", quote(text), rule));
}

template <class Number>
Number number(const std::string& text, std::string_view value) {
  Number parsed{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error != std::errc() || end != value.data() + value.size())
    refuse(text, "the value must be such a number");
  return parsed;
}

}  // namespace

GgufEntry parse_override(const std::string& text) {
  const auto equals = text.find('='), colon = text.find(':', equals == std::string::npos ? 0 : equals);
  if (equals == std::string::npos || colon == std::string::npos || equals == 0 || equals > kMostKey)
    refuse(text, fmt::format("must be KEY=TYPE:VALUE, the key of at most {} bytes", kMostKey));
  const std::string key = text.substr(0, equals), type = text.substr(equals + 1, colon - equals - 1);
  const std::string_view value = std::string_view(text).substr(colon + 1);
  if (type == "int") return gguf_entry(key, number<std::int64_t>(text, value));
  if (type == "str") return gguf_entry(key, value);
  if (type == "bool" && (value == "true" || value == "false")) return gguf_entry(key, value == "true");
  if (type == "float") {
    const auto parsed = number<double>(text, value);
    if (std::isfinite(parsed)) return gguf_entry(key, parsed);
  }
  refuse(text, "the type must be int, float, bool (true or false) or str");
}

}  // namespace longhand
