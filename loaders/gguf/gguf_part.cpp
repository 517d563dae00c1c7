#include "loaders/gguf/gguf_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>
#include <utility>

#include "loaders/gguf/gguf_reader.h"
#include "loaders/gguf/gguf_values.h"
#include "loaders/gguf/tensor_types.h"
#include "ops/checked.h"

namespace longhand {
namespace {

constexpr std::uint64_t kMaxKeys = 65536;
constexpr std::uint64_t kMaxTensors = 262144;
constexpr std::uint64_t kMaxKeyBytes = 65535;
constexpr std::uint64_t kMaxNameBytes = 63;
constexpr std::uint64_t kMaxStringBytes = 64ULL << 20;
constexpr std::uint64_t kMaxElements = 16ULL << 20;
constexpr std::uint64_t kMaxDim = 1ULL << 31;
constexpr std::uint64_t kDefaultAlignment = 32;

// The smallest entries: length and one byte of the key, type, one byte of value; and length and one byte of
// the name, n_dims, one dimension, type, offset.
constexpr std::uint64_t kLeastEntryBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kLeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;
// Vectors are reserved for this many entries at most and grow from there with what was really read, so that
// the counts of a header alone cost little.
constexpr std::uint64_t kReserve = 4096;

struct Counts {
  std::uint64_t tensors = 0;
  std::uint64_t keys = 0;
};

// Where a tensor lies, before the start of the data section is known.
struct Extent {
  std::uint64_t offset = 0;  // relative to the data section
  std::uint64_t bytes = 0;
  std::uint64_t field = 0;  // of `offset` in the file, for messages
};

// Files that are often taken for a GGUF file.
struct Lookalike {
  std::string_view start;
  std::string_view is;
};
constexpr Lookalike kLookalikes[] = {
    {"tjgg", "a GGML file of an older format, which must be converted to GGUF"},
    {"lmgg", "a GGML file of an older format, which must be converted to GGUF"},
    {"fmgg", "a GGML file of an older format, which must be converted to GGUF"},
    {"PK\x03\x04", "a zip archive or PyTorch checkpoint, which must be converted to GGUF"},
    {"vers", "a Git LFS pointer: the model itself has not been downloaded"},
    {"<!DO", "a web page: the model itself has not been downloaded"},
    {"<htm", "a web page: the model itself has not been downloaded"},
};

void read_magic(GgufReader& in) {
  if (in.bytes_left() == 0) in.fail(Errc::truncated, 0, "the file is empty");
  const auto bytes = in.take(4, "magic");
  const std::string_view magic{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  if (magic == "GGUF") return;
  const auto* known = std::ranges::find(kLookalikes, magic, &Lookalike::start);
  if (known != std::end(kLookalikes))
    in.fail(Errc::magic, 0, fmt::format("not a GGUF file but {}", known->is));
  in.fail(Errc::magic, 0, fmt::format("not a GGUF file: starts with {}, must be 'GGUF'", quote(magic)));
}

std::uint32_t read_version(GgufReader& in) {
  const std::uint64_t start = in.offset();
  const auto version = in.number<std::uint32_t>("version");
  // The magic reads the same in either byte order; a small number in the high bytes gives the order away.
  if (version != 0 && (version & 0xFFFF) == 0) {
    in.fail(Errc::version, start, "this is a big-endian file; only little-endian files can be read");
  }
  if (version != 2 && version != 3) {
    in.fail(Errc::version, start, fmt::format("version is {}, must be 2 or 3", version));
  }
  return version;
}

Counts read_counts(GgufReader& in) {
  Counts counts;
  counts.tensors = in.count("number of tensors", kMaxTensors, kLeastTensorBytes);
  counts.keys = in.count("number of keys", kMaxKeys, kLeastEntryBytes);
  return counts;
}

ValueType read_value_type(GgufReader& in, std::string_view field) {
  const std::uint64_t start = in.offset();
  const auto id = in.number<std::uint32_t>(field);
  const auto type = ValueType(id);
  if (value_type_bytes(type) == 0)
    in.fail(Errc::type, start, fmt::format("{} is {}, must be 0..12", field, id));
  return type;
}

void skip_value(GgufReader& in, ValueType type, std::uint64_t count) {
  if (type != ValueType::string) {
    in.take(count * value_type_bytes(type), "value");  // at most 2^24 * 8
    return;
  }
  for (std::uint64_t i = 0; i < count; ++i) in.text("string", kMaxStringBytes);
}

MetaEntry read_entry(GgufReader& in, std::uint64_t index) {
  in.enter({"key", index + 1, {}});
  MetaEntry entry;
  entry.key = in.name("name", kMaxKeyBytes);
  in.enter({"key", index + 1, entry.key});
  entry.type = read_value_type(in, "value type");
  ValueType stored = entry.type;
  if (entry.type == ValueType::array) {
    const std::uint64_t start = in.offset();
    stored = entry.element = read_value_type(in, "element type");
    if (stored == ValueType::array) in.fail(Errc::unsupported, start, "arrays of arrays cannot be read");
    entry.count = in.count("number of elements", kMaxElements, value_type_bytes(stored));
  }
  entry.offset = in.offset();
  skip_value(in, stored, entry.count);
  entry.data = in.file().subspan(entry.offset, in.offset() - entry.offset);
  return entry;
}

std::vector<MetaEntry> read_metadata(GgufReader& in, std::uint64_t count) {
  std::vector<MetaEntry> metadata;
  metadata.reserve(std::min(count, kReserve));
  for (std::uint64_t i = 0; i < count; ++i) metadata.push_back(read_entry(in, i));
  return metadata;
}

std::uint64_t offset_of(const GgufReader& in, std::string_view text) {
  return std::uint64_t(reinterpret_cast<const std::byte*>(text.data()) - in.file().data());
}

KeyIndex index_keys(GgufReader& in, std::span<const MetaEntry> metadata) {
  KeyIndex keys(metadata);
  if (const auto twice = keys.first_duplicate(metadata)) {
    const std::string_view key = metadata[*twice].key;
    in.enter({"key", *twice + 1, key});
    in.fail(Errc::duplicate, offset_of(in, key), "appears twice, keys must be unique");
  }
  return keys;
}

std::uint64_t read_alignment(GgufReader& in, const GgufPart& part) {
  const auto value = std::uint64_t(part_integer(part, key::alignment).value_or(kDefaultAlignment));
  if (!std::has_single_bit(value)) {
    in.enter({"key", 0, key::alignment.name});
    in.fail(Errc::range, part.keys.find(part.metadata, key::alignment.name)->offset,
            fmt::format("is {}, must be a power of two up to 1048576", value));
  }
  return value;
}

void read_dims(GgufReader& in, TensorInfo& tensor) {
  const std::uint64_t start = in.offset();
  const auto n_dims = in.number<std::uint32_t>("number of dimensions");
  if (n_dims < 1 || n_dims > tensor.dims.size()) {
    in.fail(Errc::shape, start, fmt::format("number of dimensions is {}, must be 1..4", n_dims));
  }
  tensor.n_dims = int(n_dims);
  for (std::uint32_t i = 0; i < n_dims; ++i) {
    const std::uint64_t field = in.offset();
    tensor.dims[i] = in.number<std::uint64_t>("dimension");
    if (tensor.dims[i] < 1 || tensor.dims[i] > kMaxDim) {
      in.fail(Errc::shape, field, fmt::format("dimension {} is {}, must be 1..2^31", i, tensor.dims[i]));
    }
  }
}

std::uint64_t checked_bytes(const GgufReader& in, const TensorInfo& tensor, std::uint64_t dims_field) {
  const TensorTypeInfo& type = *known_tensor_type(tensor.type_id);
  if (tensor.dims[0] % type.block_elements != 0) {
    in.fail(Errc::shape, dims_field,
            fmt::format("dimension 0 is {}, must be a multiple of {}, the block of type {}", tensor.dims[0],
                        type.block_elements, type.name));
  }
  if (tensor.dims[1] % type.rows != 0) {
    in.fail(Errc::shape, dims_field,
            fmt::format("dimension 1 is {}, must be a multiple of {}, the rows that lie together in type {}",
                        tensor.dims[1], type.rows, type.name));
  }
  const std::optional<std::uint64_t> bytes = tensor_bytes(type, tensor.dims);
  if (!bytes) in.fail(Errc::shape, dims_field, "dimensions multiply to more than 2^62 bytes");
  return *bytes;
}

Extent read_tensor(GgufReader& in, TensorInfo& tensor, std::uint64_t index) {
  in.enter({"tensor", index + 1, {}});
  tensor.name = in.name("name", kMaxNameBytes);
  in.enter({"tensor", index + 1, tensor.name});
  const std::uint64_t dims_field = in.offset();
  read_dims(in, tensor);
  const std::uint64_t type_field = in.offset();
  tensor.type_id = in.number<std::uint32_t>("type");
  if (known_tensor_type(tensor.type_id) == nullptr) {
    in.fail(Errc::unsupported, type_field, "type " + unknown_tensor_type_advice(tensor.type_id));
  }
  Extent extent;
  extent.bytes = checked_bytes(in, tensor, dims_field);
  extent.field = in.offset();
  extent.offset = in.number<std::uint64_t>("offset");
  return extent;
}

// Tensors must not share bytes; any order and gaps are fine.
void check_overlap(GgufReader& in, std::span<const TensorInfo> tensors, std::span<const Extent> extents) {
  std::vector<std::uint32_t> order(extents.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return extents[i].offset; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const Extent& before = extents[order[i - 1]];
    const Extent& extent = extents[order[i]];
    if (before.offset + before.bytes <= extent.offset) continue;  // inside the file, so the sum fits
    in.enter({"tensor", order[i] + 1, tensors[order[i]].name});
    in.fail(Errc::range, extent.field,
            fmt::format("offset {} lies inside tensor {}, which ends at {}", extent.offset,
                        quote(tensors[order[i - 1]].name), before.offset + before.bytes));
  }
}

// Turns extents into views of the data section, which starts at the first aligned offset after the directory.
void locate_tensors(GgufReader& in, std::span<TensorInfo> tensors, std::span<const Extent> extents,
                    std::uint64_t alignment) {
  const std::uint64_t start =
      *checked_round_up(in.offset(), alignment);  // both are small: a file size and 2^20
  const std::uint64_t available = in.file().size() - std::min<std::uint64_t>(start, in.file().size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Extent& extent = extents[i];
    in.enter({"tensor", i + 1, tensors[i].name});
    if (extent.offset % alignment != 0) {
      in.fail(Errc::range, extent.field,
              fmt::format("offset is {}, must be a multiple of {}", extent.offset, alignment));
    }
    if (extent.offset > available || extent.bytes > available - extent.offset) {
      in.fail(Errc::truncated, extent.field,
              fmt::format("offset is {} and size {}, but the file has only {} bytes of data", extent.offset,
                          extent.bytes, available));
    }
    tensors[i].data = in.file().subspan(start + extent.offset, extent.bytes);
  }
  check_overlap(in, tensors, extents);
}

std::vector<TensorInfo> read_tensors(GgufReader& in, std::uint64_t count, std::uint64_t alignment, int part) {
  std::vector<TensorInfo> tensors;
  std::vector<Extent> extents;
  tensors.reserve(std::min(count, kReserve));
  extents.reserve(std::min(count, kReserve));
  for (std::uint64_t i = 0; i < count; ++i) {
    TensorInfo tensor;
    tensor.part = part;
    extents.push_back(read_tensor(in, tensor, i));
    tensors.push_back(tensor);
  }
  locate_tensors(in, tensors, extents, alignment);
  return tensors;
}

}  // namespace

std::optional<std::int64_t> part_integer(const GgufPart& part, const KeySpec& key) {
  const MetaEntry* entry = part.keys.find(part.metadata, key.name);
  if (entry == nullptr) return std::nullopt;
  return MetaValue(*entry, key, part.name).integer();
}

GgufPart parse_gguf_part(std::span<const std::byte> file, const std::string& name, int part_number) {
  GgufPart part;
  part.name = name;
  part.file = file;
  GgufReader in(file, part.name);
  read_magic(in);
  part.version = read_version(in);
  const Counts counts = read_counts(in);
  part.metadata = read_metadata(in, counts.keys);
  part.keys = index_keys(in, part.metadata);
  part.tensors = read_tensors(in, counts.tensors, read_alignment(in, part), part_number);
  return part;
}

}  // namespace longhand
