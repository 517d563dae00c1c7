// Writes GGUF files for tests: right ones, and wrong ones by setting fields to what a writer should never
// write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "loaders/gguf.h"

namespace longhand::test {

/// `value` as its bytes in a file.
template <class T>
std::string encode(const T& value) {
  if constexpr (std::is_convertible_v<T, std::string_view>) {
    const std::string_view text(value);
    return encode(std::uint64_t{text.size()}) + std::string(text);
  } else {
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
  }
}

template <class T>
constexpr ValueType value_type_of() {
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

struct GgufWriter {
  struct Entry {
    std::string key;
    std::uint32_t type;
    std::string value;  // encoded
  };
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> dims;
    std::uint32_t type = 0;
    std::string data;
    std::optional<std::uint32_t> n_dims{};  // instead of dims.size()
    std::optional<std::uint64_t> offset{};  // instead of the next aligned one
  };
  /// An integer inside the file, for tests that spoil it.
  struct Field {
    std::string name;
    std::size_t offset;
    std::size_t bytes;
  };

  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;               // of the data; align() writes also the key
  std::optional<std::uint64_t> tensor_count;  // instead of tensors.size()
  std::optional<std::uint64_t> key_count;     // instead of entries.size()
  std::vector<Entry> entries;
  std::vector<Tensor> tensors;

  template <class T>
  GgufWriter& add(const std::string& key, const T& value) {
    return add_raw(key, static_cast<std::uint32_t>(value_type_of<std::decay_t<T>>()), encode(value));
  }
  template <class T>
  GgufWriter& add_array(const std::string& key, const std::vector<T>& values) {
    std::string bytes = encode(value_type_of<T>()) + encode(std::uint64_t{values.size()});
    for (auto&& value : values) bytes += encode<T>(value);  // T: a vector<bool> has no bools
    return add_raw(key, static_cast<std::uint32_t>(ValueType::array), bytes);
  }
  GgufWriter& add_raw(const std::string& key, std::uint32_t type, std::string encoded_value);
  GgufWriter& align(std::uint32_t bytes);
  GgufWriter& tensor(const std::string& name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
                     std::string data);
  /// An F32 tensor, data in the order of the file.
  GgufWriter& tensor(const std::string& name, const std::vector<std::uint64_t>& dims,
                     const std::vector<float>& values);

  std::string build() const { return build(nullptr); }
  /// build() in an allocation of exactly its size, so that sanitizers see a read past its end.
  std::vector<std::byte> bytes() const;
  /// All counts, lengths, types, dimensions and offsets of what build() returns.
  std::vector<Field> fields() const;
  void write(const std::string& path) const;

 private:
  std::string build(std::vector<Field>* fields) const;
};

/// `text` in an allocation of exactly its size.
std::vector<std::byte> to_bytes(std::string_view text);

}  // namespace longhand::test
