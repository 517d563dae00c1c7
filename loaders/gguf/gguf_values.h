// Typed, range-checked reading of one metadata entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "loaders/gguf/gguf.h"
#include "ops/error.h"

namespace longhand {

/// Bytes of one encoded value of `type`; of strings and arrays the least they can take. 0 for
/// an unknown type.
std::uint64_t value_type_bytes(ValueType type) noexcept;

/// A value of any type: integers by their sign, and all floats as double.
using AnyValue = std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view>;

/// All elements of an array, or the one value, as they are in the file. Throws Error (limit) for more numbers
/// than anything is read as, which would take many times the memory of the file.
std::vector<AnyValue> any_values(const MetaEntry& entry);

/// One entry of the file `file`, read as its row `key` of the key table asks. All members throw Error: type,
/// range. Asking for another type than the row's is a bug of the caller: std::logic_error.
class MetaValue {
 public:
  MetaValue(const MetaEntry& entry, const KeySpec& key, std::string_view file) noexcept
      : entry_(entry), key_(key), file_(file) {}

  std::int64_t integer() const;
  double number() const;
  bool boolean() const;
  std::string_view string() const;
  std::vector<std::int64_t> integers() const;  // throws also limit
  std::vector<double> numbers() const;         // throws also limit
  std::vector<std::string_view> strings() const;
  std::span<const std::byte> bytes() const;

 private:
  bool is_array() const noexcept { return entry_.type == ValueType::array; }
  ValueType element_type() const noexcept { return is_array() ? entry_.element : entry_.type; }
  template <class Number>
  std::vector<Number> convert(std::string_view wanted) const;
  void expect_scalar(std::string_view wanted) const;
  void check_length(std::string_view text) const;
  [[noreturn]] void fail(Errc code, std::string_view what) const;
  [[noreturn]] void fail_type(std::string_view wanted) const;
  [[noreturn]] void fail_range(std::uint64_t index, const std::string& value) const;

  const MetaEntry& entry_;
  const KeySpec& key_;
  std::string_view file_;
};

}  // namespace longhand
