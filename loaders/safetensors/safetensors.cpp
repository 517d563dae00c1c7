#include "loaders/safetensors/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "loaders/safetensors/safetensors_header.h"
#include "ops/checked.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::uint64_t kMostHeaderBytes = 100'000'000;  // the limit of the format
constexpr std::size_t kMostDimensions = 8;
constexpr std::size_t kMostNameBytes = 1024;

struct TypeRow {
  StoredType type;
  std::string_view name;
  std::size_t bytes;
};
constexpr TypeRow kTypes[] = {
    {StoredType::f64, "F64", 8},   {StoredType::f32, "F32", 4},         {StoredType::f16, "F16", 2},
    {StoredType::bf16, "BF16", 2}, {StoredType::f8_e4m3, "F8_E4M3", 1}, {StoredType::f8_e5m2, "F8_E5M2", 1},
    {StoredType::i64, "I64", 8},   {StoredType::i32, "I32", 4},         {StoredType::i16, "I16", 2},
    {StoredType::i8, "I8", 1},     {StoredType::u64, "U64", 8},         {StoredType::u32, "U32", 4},
    {StoredType::u16, "U16", 2},   {StoredType::u8, "U8", 1},           {StoredType::boolean, "BOOL", 1}};

const TypeRow& row_of(StoredType type) noexcept { return *std::ranges::find(kTypes, type, &TypeRow::type); }

[[noreturn]] void fail(Errc code, const std::string& file, const HeaderTensor& tensor,
                       std::string_view what) {
  throw Error(code, fmt::format("{}: tensor '{}': {}", file, escape_controls(tensor.name, 200), what));
}

// The header's text.
std::string_view header_of(std::span<const std::byte> file, const std::string& name) {
  std::uint64_t length = 0;
  if (file.size() < sizeof length) {
    throw Error(Errc::truncated,
                fmt::format("{}: {} bytes, a safetensors file begins with the 8 bytes of its header's "
                            "length",
                            name, file.size()));
  }
  std::memcpy(&length, file.data(), sizeof length);
  if (length > kMostHeaderBytes) {
    throw Error(Errc::limit,
                fmt::format("{}: a header of {} bytes, must be at most {}: not a safetensors file?", name,
                            length, kMostHeaderBytes));
  }
  if (length > file.size() - sizeof length) {
    throw Error(Errc::truncated,
                fmt::format("{}: a header of {} bytes in a file of {}", name, length, file.size()));
  }
  return {reinterpret_cast<const char*>(file.data()) + sizeof length, std::size_t(length)};
}

std::uint64_t bytes_of(const HeaderTensor& tensor, const TypeRow& type, const std::string& file) {
  if (tensor.shape.size() > kMostDimensions) {
    fail(Errc::limit, file, tensor,
         fmt::format("{} dimensions, must be at most {}", tensor.shape.size(), kMostDimensions));
  }
  std::optional<std::uint64_t> bytes = type.bytes;
  for (const std::uint64_t dimension : tensor.shape) bytes = bytes ? checked_mul(*bytes, dimension) : bytes;
  if (!bytes)
    fail(Errc::shape, file, tensor,
         fmt::format("[{}] has more bytes than fit into 64 bits", fmt::join(tensor.shape, ", ")));
  return *bytes;
}

StoredTensor stored(const HeaderTensor& tensor, std::span<const std::byte> data, const std::string& file) {
  if (tensor.name.size() > kMostNameBytes) {
    fail(Errc::limit, file, tensor,
         fmt::format("its name has {} bytes, must have at most {}", tensor.name.size(), kMostNameBytes));
  }
  const auto* type = std::ranges::find(kTypes, tensor.type, &TypeRow::name);
  if (type == std::end(kTypes))
    fail(Errc::unsupported, file, tensor,
         fmt::format("type '{}' is not known", escape_controls(tensor.type, 40)));
  if (tensor.begin > tensor.end || tensor.end > data.size()) {
    fail(Errc::range, file, tensor,
         fmt::format("bytes {} to {} of {}", tensor.begin, tensor.end, data.size()));
  }
  const std::uint64_t bytes = bytes_of(tensor, *type, file);
  if (bytes != tensor.end - tensor.begin) {
    fail(Errc::shape, file, tensor,
         fmt::format("[{}] of {} has {} bytes, data_offsets say {}", fmt::join(tensor.shape, ", "),
                     type->name, bytes, tensor.end - tensor.begin));
  }
  return {tensor.name, type->type, tensor.shape, data.subspan(std::size_t(tensor.begin), std::size_t(bytes)),
          0};
}

}  // namespace

std::string_view stored_type_name(StoredType type) noexcept { return row_of(type).name; }
std::size_t stored_type_bytes(StoredType type) noexcept { return row_of(type).bytes; }

std::vector<StoredTensor> parse_safetensors(std::span<const std::byte> file, const std::string& name) {
  const std::string_view header = header_of(file, name);
  const std::span<const std::byte> data = file.subspan(sizeof(std::uint64_t) + header.size());
  std::vector<HeaderTensor> listed = parse_safetensors_header(header, name);
  std::ranges::stable_sort(listed, [](const HeaderTensor& a, const HeaderTensor& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::vector<StoredTensor> tensors;
  tensors.reserve(listed.size());
  std::uint64_t end = 0;
  for (const HeaderTensor& tensor : listed) {
    tensors.push_back(stored(tensor, data, name));
    if (tensor.begin != end) {
      fail(Errc::corrupt, name, tensor,
           fmt::format("begins at byte {}, must begin where the one before ends, at {}", tensor.begin, end));
    }
    end = tensor.end;
  }
  if (end != data.size())
    throw Error(Errc::corrupt, fmt::format("{}: {} bytes behind the last tensor", name, data.size() - end));
  return tensors;
}

}  // namespace longhand
