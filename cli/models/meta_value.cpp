#include "cli/models/meta_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cli/terminal/output_filter.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

// Walks encoded values; the container has checked that they lie inside `bytes`.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class Number>
  Number number() {
    Number value{};
    const auto source = bytes_.subspan(0, sizeof value);
    std::memcpy(&value, source.data(), sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
    return value;
  }

  std::string_view string() {
    const auto length = std::size_t(number<std::uint64_t>());
    const auto text = bytes_.subspan(0, length);
    bytes_ = bytes_.subspan(length);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

 private:
  std::span<const std::byte> bytes_;
};

// JSON has no NaN and no infinity, and a float shows as the shortest number that reads back as the same
// float.
Json json_float(double value, const std::string& shortest) {
  return std::isfinite(value) ? Json(std::stod(shortest)) : Json(shortest);
}

Json read_value(Cursor& in, ValueType type) {
  switch (type) {
    case ValueType::u8:
      return in.number<std::uint8_t>();
    case ValueType::i8:
      return in.number<std::int8_t>();
    case ValueType::u16:
      return in.number<std::uint16_t>();
    case ValueType::i16:
      return in.number<std::int16_t>();
    case ValueType::u32:
      return in.number<std::uint32_t>();
    case ValueType::i32:
      return in.number<std::int32_t>();
    case ValueType::u64:
      return in.number<std::uint64_t>();
    case ValueType::i64:
      return in.number<std::int64_t>();
    case ValueType::boolean:
      return in.number<std::uint8_t>() != 0;
    case ValueType::string:
      return make_visible(in.string());
    case ValueType::f32: {
      const auto value = in.number<float>();
      return json_float(value, fmt::format("{}", value));
    }
    case ValueType::f64: {
      const auto value = in.number<double>();
      return json_float(value, fmt::format("{}", value));
    }
    case ValueType::array:
      break;
  }
  return nullptr;
}

std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// `text` on one line, cut to `width` characters of which none is broken.
std::string shorten(const std::string& text, std::size_t width) {
  std::string line;
  for (const char c : text) line += c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string(1, c);
  if (line.size() <= width) return line;
  std::size_t end = width;
  while (end > 0 && (std::uint8_t(line[end]) & 0xC0) == 0x80) --end;
  return line.substr(0, end) + "...";
}

}  // namespace

Json meta_value(const MetaEntry& entry, std::size_t first) {
  Cursor in(entry.data);
  if (entry.type != ValueType::array) return read_value(in, entry.type);
  Json elements = Json::array();
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(entry.count, first); ++i) {
    elements.push_back(read_value(in, entry.element));
  }
  return {{"type", value_type_name(entry.element)}, {"count", entry.count}, {"first", std::move(elements)}};
}

std::string meta_text(const MetaEntry& entry, std::size_t width) {
  constexpr std::size_t kFirst = 6;
  const Json value = meta_value(entry, kFirst);
  if (entry.type != ValueType::array) return shorten(plain(value), width);
  std::string text = fmt::format("[{} x {}] ", entry.count, value_type_name(entry.element));
  for (const Json& element : value["first"])
    text += (&element == &value["first"].front() ? "" : ", ") + plain(element);
  if (entry.count > kFirst) text += ", ...";
  return shorten(text, width);
}

}  // namespace longhand::cli
