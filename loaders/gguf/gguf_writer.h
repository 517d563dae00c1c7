// The head of a GGUF file as it is written: everything before the data of the tensors.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "loaders/gguf/gguf.h"

namespace longhand {

/// `value` as its bytes in a file.
template <class T>
std::string gguf_bytes(const T& value) {
  if constexpr (std::is_convertible_v<T, std::string_view>) {
    const std::string_view text(value);
    return gguf_bytes(std::uint64_t{text.size()}) + std::string(text);
  } else {
    static_assert(std::is_trivially_copyable_v<T>);
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
  }
}

template <class T>
constexpr ValueType gguf_type_of() {
  if constexpr (std::is_convertible_v<T, std::string_view>)
    return ValueType::string;
  else if constexpr (std::is_same_v<T, bool>)
    return ValueType::boolean;
  else if constexpr (std::is_same_v<T, float>)
    return ValueType::f32;
  else if constexpr (std::is_same_v<T, double>)
    return ValueType::f64;
  else {
    static_assert(std::is_integral_v<T>);
    constexpr ValueType kUnsigned[] = {ValueType::u8, ValueType::u16, ValueType::u32, ValueType::u64};
    constexpr ValueType kSigned[] = {ValueType::i8, ValueType::i16, ValueType::i32, ValueType::i64};
    constexpr int kLog = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return std::is_signed_v<T> ? kSigned[kLog] : kUnsigned[kLog];
  }
}

/// One metadata entry with its value encoded: of an array element type, count and elements.
struct GgufEntry {
  std::string key;
  std::uint32_t type = 0;  // ValueType; a plain number, so that tests can write wrong ones
  std::string value;
};

template <class T>
GgufEntry gguf_entry(const std::string& key, const T& value) {
  return {key, std::uint32_t(gguf_type_of<std::decay_t<T>>()), gguf_bytes(value)};
}

template <class T>
GgufEntry gguf_array(const std::string& key, const std::vector<T>& values) {
  std::string bytes = gguf_bytes(gguf_type_of<T>()) + gguf_bytes(std::uint64_t{values.size()});
  for (auto&& value : values) bytes += gguf_bytes<T>(value);  // T: a vector<bool> has no bools
  return {key, std::uint32_t(ValueType::array), std::move(bytes)};
}

/// Nothing is checked: whoever writes a file knows what belongs into it.
struct GgufHead {
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> dims;  // dims[0] is contiguous
    std::uint32_t type = 0;
    std::uint64_t bytes = 0;
  };
  /// A field of `owner`, a key or a tensor ("" in the header): its name and its bytes.
  using Visit = std::function<void(const std::string& owner, std::string_view field, std::string bytes)>;

  std::uint64_t alignment = 32;  // of each tensor's data; other values need the key general.alignment
  std::vector<GgufEntry> entries;
  std::vector<Tensor> tensors;

  /// Every field in the order of the file: magic, version, tensor count, key count; of each entry length,
  /// key, type, value; of each tensor length, name, n_dims, dimensions, type, offset.
  void visit(const Visit& visit) const;
  /// The head, padded: the data of the tensors follows in their order, each padded to `alignment`.
  std::string bytes() const;
  std::uint64_t round_up(std::uint64_t size) const { return (size + alignment - 1) / alignment * alignment; }
};

}  // namespace longhand
