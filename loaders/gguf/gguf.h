// The GGUF container: metadata and a directory of tensors, as bounds-checked views of a mapped file.
//
// Nothing here knows what a key or a tensor is for. Every count, length and offset is checked against
// the bytes really present before anything is allocated or followed, so that any file either parses
// or throws Error.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/keys.h"

namespace longhand {

/// Types of metadata values; the numbers are the file's.
enum class ValueType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12
};
std::string_view value_type_name(ValueType type) noexcept;

/// One metadata entry. `data` is the encoded value inside the file: of an array the encoded elements.
struct MetaEntry {
  std::string_view key;
  ValueType type{};         // ValueType::array for arrays
  ValueType element{};      // arrays: type of the elements (never array)
  std::uint64_t count = 1;  // arrays: number of elements
  std::span<const std::byte> data;
  std::uint64_t offset = 0;  // of `data` in its file, for messages
};

/// One tensor. Its byte size was computed once, in checked arithmetic, when the file was opened. Data
/// starts at a multiple of general.alignment, usually 32 but 1 is legal: code that loads wider types must
/// check or copy.
struct TensorInfo {
  std::string_view name;
  std::array<std::uint64_t, 4> dims{1, 1, 1, 1};  // dims[0] is contiguous
  int n_dims = 0;
  std::uint32_t type_id = 0;        // GGUF tensor type, one of known_tensor_type()
  std::span<const std::byte> data;  // the whole tensor, inside the mapping
  int part = 0;                     // which file of a split model
};

/// Block shape of a tensor type: also of types this build cannot compute with, so that `info` reads any file.
struct TensorTypeInfo {
  std::string_view name;  // "Q4_K"
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
  std::uint32_t row_head = 0;  // bytes in front of the blocks of each row
  std::uint32_t rows = 1;      // that lie interleaved: their number is a multiple of it
};
/// nullptr for ids that GGUF does not define or has removed.
const TensorTypeInfo* known_tensor_type(std::uint32_t type_id) noexcept;

/// A moved-from Gguf can only be destroyed or assigned to. If a file is cut short by another program while it
/// is open, the system ends the process at the next touch (SIGBUS), as with any mapped file.
class Gguf {
 public:
  /// Opens `path`; for the first part of a split model also its sibling parts, which must lie in the same
  /// folder. Throws Error: io, magic, version, truncated, limit, type, range, shape, duplicate, unsupported,
  /// missing, mismatch.
  static Gguf open(const std::string& path);
  /// Opens an open file, which may be closed afterwards. `name` stands in messages. Throws as open();
  /// unsupported for a part of a split model.
  static Gguf open(int descriptor, const std::string& name);
  /// Parses a whole file already in memory, which must outlive the result. Throws the same.
  static Gguf parse(std::span<const std::byte> file, const std::string& name);
  /// Keeps the file.
  static Gguf parse(std::vector<std::byte>&& file, const std::string& name);
  Gguf(Gguf&&) noexcept;
  Gguf& operator=(Gguf&&) noexcept;
  ~Gguf();

  /// Gives keys other values, or adds keys: "KEY=TYPE:VALUE" with the types int, float, bool (true or false)
  /// and str. Throws Error (range) for a text of another form, and changes nothing.
  void override_metadata(std::span<const std::string> overrides);

  const std::string& name() const noexcept;  // file name without folder, as messages show it
  std::uint32_t version() const noexcept;
  std::span<const MetaEntry> metadata() const noexcept;  // in file order
  std::span<const TensorInfo> tensors() const noexcept;  // in file order, parts in turn
  const MetaEntry* find(std::string_view key) const noexcept;
  const TensorInfo* find_tensor(std::string_view name) const noexcept;
  std::uint64_t file_bytes() const noexcept;  // of all parts together
  /// Gives the pages of `range`, a part of some tensor, back to the system after it has
  /// been copied elsewhere.
  void release(std::span<const std::byte> range) const noexcept;

  // Typed, range-checked reading of metadata. All keys are rows of the table in keys.h; a "%s" in a key's
  // name stands for general.architecture. Integer widths are coerced; anything else of the wrong type throws
  // (type), values out of the row's range throw (range), absent required ones (missing).
  bool has(const KeySpec& key) const;
  std::optional<std::int64_t> get_int(const KeySpec& key) const;
  std::optional<double> get_float(const KeySpec& key) const;
  std::optional<bool> get_bool(const KeySpec& key) const;
  std::optional<std::string_view> get_string(const KeySpec& key) const;
  std::int64_t require_int(const KeySpec& key) const;
  double require_float(const KeySpec& key) const;
  std::string_view require_string(const KeySpec& key) const;
  /// Arrays; a scalar reads as an array of one. Empty when absent.
  std::vector<std::int64_t> get_ints(const KeySpec& key) const;  // integers and bools
  std::vector<double> get_floats(const KeySpec& key) const;
  std::vector<std::string_view> get_strings(const KeySpec& key) const;
  std::span<const std::byte> get_bytes(const KeySpec& key) const;  // arrays of u8 or i8
  /// general.architecture; "" when absent.
  std::string_view architecture() const noexcept;

 private:
  struct Impl;
  static Gguf parse_single(std::unique_ptr<Impl> impl);
  explicit Gguf(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhand
