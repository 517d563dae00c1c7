#include "loaders/gguf/gguf_values.h"

#include <fmt/format.h>

#include <array>
#include <concepts>
#include <cstring>
#include <type_traits>
#include <utility>

#include "loaders/gguf/gguf_reader.h"

namespace longhand {
namespace {

struct TypeRow {
  std::string_view name;
  std::uint64_t bytes;
};
// Indexed by ValueType. A string is at least its length, an array its element type and count.
constexpr std::array<TypeRow, 13> kTypes = {{{"u8", 1},
                                             {"i8", 1},
                                             {"u16", 2},
                                             {"i16", 2},
                                             {"u32", 4},
                                             {"i32", 4},
                                             {"f32", 4},
                                             {"bool", 1},
                                             {"string", 8},
                                             {"array", 12},
                                             {"u64", 8},
                                             {"i64", 8},
                                             {"f64", 8}}};

// As many numbers as a vocabulary may have tokens: nothing longer is read as numbers, and widening them to 8
// bytes would let a file of byte-sized elements cost many times its size.
constexpr std::uint64_t kMaxNumbers = 1 << 21;

struct StoredBool {
  std::uint8_t byte;  // any value but 0 is true; loading it as a C++ bool would be undefined
};

// Calls `visit` with a (zero) value of the C++ type that stores `type`; false if `type` is no number.
template <class Visit>
bool visit_number_type(ValueType type, Visit&& visit) {
  switch (type) {
    case ValueType::u8:
      visit(std::uint8_t{});
      return true;
    case ValueType::i8:
      visit(std::int8_t{});
      return true;
    case ValueType::u16:
      visit(std::uint16_t{});
      return true;
    case ValueType::i16:
      visit(std::int16_t{});
      return true;
    case ValueType::u32:
      visit(std::uint32_t{});
      return true;
    case ValueType::i32:
      visit(std::int32_t{});
      return true;
    case ValueType::u64:
      visit(std::uint64_t{});
      return true;
    case ValueType::i64:
      visit(std::int64_t{});
      return true;
    case ValueType::f32:
      visit(float{});
      return true;
    case ValueType::f64:
      visit(double{});
      return true;
    case ValueType::boolean:
      visit(StoredBool{});
      return true;
    case ValueType::string:
    case ValueType::array:
      break;
  }
  return false;
}

// Integers may be stored in any width and as bools; numbers as floats and as integers.
template <class Number, class Stored>
constexpr bool kReadable =
    std::is_same_v<Number, double> ? !std::is_same_v<Stored, StoredBool> : !std::is_floating_point_v<Stored>;

template <class Stored>
Stored load(std::span<const std::byte> data, std::uint64_t index) {
  Stored value;
  std::memcpy(&value, data.data() + index * sizeof value, sizeof value);
  return value;
}

// `data` starts with the length of a string, checked when the file was opened.
std::string_view load_string(std::span<const std::byte> data) {
  const auto length = load<std::uint64_t>(data, 0);
  return {reinterpret_cast<const char*>(data.data() + sizeof length), std::size_t(length)};
}

}  // namespace

std::string_view value_type_name(ValueType type) noexcept {
  const auto id = std::size_t(type);
  return id < kTypes.size() ? kTypes[id].name : "unknown";
}

std::uint64_t value_type_bytes(ValueType type) noexcept {
  const auto id = std::size_t(type);
  return id < kTypes.size() ? kTypes[id].bytes : 0;
}

std::vector<AnyValue> any_values(const MetaEntry& entry) {
  if (entry.count > kMaxNumbers)
    throw Error(Errc::limit, fmt::format("key {}: has {} elements, at most {} are read", quote(entry.key),
                                         entry.count, kMaxNumbers));
  std::vector<AnyValue> out;
  out.reserve(entry.count);
  const auto numbers = [&]<class Stored>(Stored) {
    for (std::uint64_t i = 0; i < entry.count; ++i) {
      const auto stored = load<Stored>(entry.data, i);
      if constexpr (std::is_same_v<Stored, StoredBool>) {
        out.emplace_back(stored.byte != 0);
      } else if constexpr (std::is_floating_point_v<Stored>) {
        out.emplace_back(double{stored});
      } else if constexpr (std::is_signed_v<Stored>) {
        out.emplace_back(std::int64_t{stored});
      } else {
        out.emplace_back(std::uint64_t{stored});
      }
    }
  };
  if (visit_number_type(entry.type == ValueType::array ? entry.element : entry.type, numbers)) return out;
  for (auto rest = entry.data; out.size() < entry.count;) {
    const std::string_view text = load_string(rest);
    out.emplace_back(text);
    rest = rest.subspan(sizeof(std::uint64_t) + text.size());
  }
  return out;
}

std::int64_t MetaValue::integer() const {
  expect_scalar("an integer");
  return convert<std::int64_t>("an integer").front();
}

double MetaValue::number() const {
  expect_scalar("a number");
  return convert<double>("a number").front();
}

bool MetaValue::boolean() const {
  expect_scalar("a bool");
  return convert<std::int64_t>("a bool").front() != 0;
}

std::string_view MetaValue::string() const {
  if (entry_.type != ValueType::string) fail_type("a string");
  const std::string_view text = load_string(entry_.data);
  check_length(text);
  return text;
}

std::vector<std::int64_t> MetaValue::integers() const { return convert<std::int64_t>("integers"); }

std::vector<double> MetaValue::numbers() const { return convert<double>("numbers"); }

std::vector<std::string_view> MetaValue::strings() const {
  if (element_type() != ValueType::string) fail_type("strings");
  std::vector<std::string_view> texts;
  texts.reserve(entry_.count);
  for (auto rest = entry_.data; texts.size() < entry_.count;) {
    texts.push_back(load_string(rest));
    check_length(texts.back());
    rest = rest.subspan(sizeof(std::uint64_t) + texts.back().size());
  }
  return texts;
}

std::span<const std::byte> MetaValue::bytes() const {
  if (element_type() != ValueType::u8 && element_type() != ValueType::i8) fail_type("bytes");
  return entry_.data;
}

template <class Number>
std::vector<Number> MetaValue::convert(std::string_view wanted) const {
  std::vector<Number> out;
  const auto read_all = [&]<class Stored>(Stored) {
    if constexpr (!kReadable<Number, Stored>) {
      fail_type(wanted);
    } else {
      if (entry_.count > kMaxNumbers) {
        fail(Errc::limit, fmt::format("has {} elements, at most {} are allowed", entry_.count, kMaxNumbers));
      }
      out.reserve(entry_.count);
      for (std::uint64_t i = 0; i < entry_.count; ++i) {
        const auto stored = load<Stored>(entry_.data, i);
        if constexpr (std::is_same_v<Stored, StoredBool>) {
          out.push_back(stored.byte != 0 ? 1 : 0);
        } else {
          if constexpr (std::is_same_v<Stored, std::uint64_t> && std::integral<Number>) {
            if (!std::in_range<Number>(stored)) fail_range(i, fmt::format("{}", stored));
          }
          out.push_back(static_cast<Number>(stored));
        }
        const auto value = double(out.back());
        // Written so that NaN fails. A bool has no range: anything but 0 is true.
        const bool legal = key_.type == KeyType::boolean || (value >= key_.min && value <= key_.max);
        if (!legal) fail_range(i, fmt::format("{}", out.back()));
      }
    }
  };
  if (!visit_number_type(element_type(), read_all)) fail_type(wanted);
  return out;
}

void MetaValue::expect_scalar(std::string_view wanted) const {
  if (is_array()) fail_type(wanted);
}

void MetaValue::check_length(std::string_view text) const {
  const auto length = double(text.size());
  if (length < key_.min || length > key_.max) {
    fail(Errc::range,
         fmt::format("{} is {} bytes long, must be {}..{}", quote(text), length, key_.min, key_.max));
  }
}

void MetaValue::fail(Errc code, std::string_view what) const {
  throw Error(code, fmt::format("{}: key {}: {} (offset {})", escape_controls(file_, 120), quote(entry_.key),
                                what, entry_.offset));
}

void MetaValue::fail_type(std::string_view wanted) const {
  fail(Errc::type, fmt::format("is {}{}, must be {}", is_array() ? "array of " : "",
                               value_type_name(element_type()), wanted));
}

void MetaValue::fail_range(std::uint64_t index, const std::string& value) const {
  const std::string element = is_array() ? fmt::format("element {} is ", index) : "is ";
  fail(Errc::range, fmt::format("{}{}, must be {}..{}", element, value, key_.min, key_.max));
}

}  // namespace longhand
