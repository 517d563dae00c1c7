// Whole GGUF files for tests: right ones, and wrong ones by setting fields to what a writer should never
// write. What is right about them comes from loaders/gguf/gguf_writer.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/gguf_writer.h"

namespace longhand::test {

/// `value` as its bytes in a file.
template <class T>
std::string encode(const T& value) {
  return gguf_bytes(value);
}

struct GgufWriter {
  using Entry = GgufEntry;
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
    entries.push_back(gguf_entry(key, value));
    return *this;
  }
  template <class T>
  GgufWriter& add_array(const std::string& key, const std::vector<T>& values) {
    entries.push_back(gguf_array(key, values));
    return *this;
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
