// The safetensors container: named arrays as bounds-checked views of a file.
//
// A file is the length of its header (u64), the header (JSON: of each tensor its type, shape and the range of
// its bytes) and the bytes of all tensors, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace longhand {

/// How the numbers of a stored tensor are written.
enum class StoredType : std::uint8_t {
  f64,
  f32,
  f16,
  bf16,
  f8_e4m3,
  f8_e5m2,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8,
  boolean
};
/// "BF16" and so on, as files spell it.
std::string_view stored_type_name(StoredType type) noexcept;
/// Bytes of one number.
std::size_t stored_type_bytes(StoredType type) noexcept;

struct StoredTensor {
  std::string name;
  StoredType type{};
  std::vector<std::uint64_t> shape;  // the last index is contiguous; of a single number empty
  std::span<const std::byte> data;   // numbers of `shape`, at any alignment
  int file = 0;                      // which file of a folder
};

/// The tensors of a whole file in memory, which must outlive them, in the order of their bytes. `name` stands
/// in messages. Throws Error: truncated, limit, corrupt (the header is no JSON of the form above; bytes that
/// belong to two tensors or to none), duplicate, unsupported (a type), shape, range.
std::vector<StoredTensor> parse_safetensors(std::span<const std::byte> file, const std::string& name);

}  // namespace longhand
