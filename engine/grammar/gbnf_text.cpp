#include "engine/grammar/gbnf_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/grammar/grammar.h"
#include "ops/error.h"

namespace longhand {
namespace {

std::string digits(std::size_t count) { return count == 0 ? "" : fmt::format(" [0-9]{{{}}}", count); }

std::string digit_range(char first, char last) {
  return first == last ? fmt::format("\"{}\"", first) : fmt::format("[{}-{}]", first, last);
}

// Numbers of as many digits as `low`, not below it.
std::string at_least(std::string_view low) {
  if (low.empty()) return "";
  if (std::all_of(low.begin(), low.end(), [](char c) { return c == '0'; })) return digits(low.size());
  std::string text = fmt::format(" (\"{}\"{}", low[0], at_least(low.substr(1)));
  if (low[0] < '9') {
    text += fmt::format(" | {}{}", digit_range(static_cast<char>(low[0] + 1), '9'), digits(low.size() - 1));
  }
  return text + ")";
}

std::string at_most(std::string_view high) {
  if (high.empty()) return "";
  if (std::all_of(high.begin(), high.end(), [](char c) { return c == '9'; })) return digits(high.size());
  std::string text = fmt::format(" (\"{}\"{}", high[0], at_most(high.substr(1)));
  if (high[0] > '0') {
    text += fmt::format(" | {}{}", digit_range('0', static_cast<char>(high[0] - 1)), digits(high.size() - 1));
  }
  return text + ")";
}

// Both of the same length; at most 20 digits deep.
std::string between(std::string_view low, std::string_view high) {
  if (low.empty()) return "";
  if (low[0] == high[0]) return fmt::format(" \"{}\"{}", low[0], between(low.substr(1), high.substr(1)));
  std::string text = fmt::format(" (\"{}\"{}", low[0], at_least(low.substr(1)));
  if (high[0] - low[0] > 1) {
    text += fmt::format(" | {}{}", digit_range(static_cast<char>(low[0] + 1), static_cast<char>(high[0] - 1)),
                        digits(low.size() - 1));
  }
  return text + fmt::format(" | \"{}\"{})", high[0], at_most(high.substr(1)));
}

// 0 <= low <= high; one alternative for each number of digits.
std::string magnitude(std::uint64_t low, std::uint64_t high) {
  std::string from = std::to_string(low);
  const std::string to = std::to_string(high);
  std::string text;
  while (from.size() < to.size()) {
    text += between(from, std::string(from.size(), '9')) + " |";
    from = "1" + std::string(from.size(), '0');
  }
  return text + between(from, to);
}

// Those of 20 digits and more fit no 64-bit integer.
std::string magnitude_from(std::uint64_t low) {
  constexpr std::size_t kMostDigits = 19;
  const std::string from = std::to_string(low);
  if (from.size() >= kMostDigits) return between(from, std::string(from.size(), '9'));
  return fmt::format("{} | [1-9] [0-9]{{{},18}}", between(from, std::string(from.size(), '9')), from.size());
}

}  // namespace

std::string gbnf_literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
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
    return plain     ? std::string(1, static_cast<char>(c))
           : c < 256 ? fmt::format("\\x{:02X}", c)
                     : fmt::format("\\U{:08X}", c);
  };
  std::string out = "[";
  for (const auto& [first, last] : set) out += first == last ? one(first) : one(first) + "-" + one(last);
  return out + "]";
}

std::string gbnf_repeat(const std::string& element, std::uint32_t min, std::optional<std::uint32_t> max) {
  if (!max) return min == 0 ? element + "*" : fmt::format("{}{{{},}}", element, min);
  return min == *max ? fmt::format("{}{{{}}}", element, min) : fmt::format("{}{{{},{}}}", element, min, *max);
}

std::string gbnf_integer(const IntegerRange& range) {
  const auto negated = [](std::int64_t x) { return 0 - static_cast<std::uint64_t>(x); };
  std::string text;
  if (range.min.value_or(-1) < 0) {
    const std::uint64_t low = range.max.value_or(0) >= 0 ? 1 : negated(*range.max);
    text = fmt::format("\"-\" ({})", range.min ? magnitude(low, negated(*range.min)) : magnitude_from(low));
  }
  if (range.max.value_or(0) >= 0) {
    const auto low = static_cast<std::uint64_t>(std::max<std::int64_t>(range.min.value_or(0), 0));
    text += text.empty() ? "" : " | ";
    text += range.max ? magnitude(low, static_cast<std::uint64_t>(*range.max)) : magnitude_from(low);
  }
  return "(" + text + ")";
}

}  // namespace longhand
