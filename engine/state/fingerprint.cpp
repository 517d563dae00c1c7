#include "engine/state/fingerprint.h"

#include <algorithm>
#include <string_view>

namespace longhand {
namespace {

// FNV-1a.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte b : bytes) value_ = (value_ ^ std::to_integer<std::uint64_t>(b)) * 0x100000001B3;
  }
  void add(std::uint64_t number) noexcept { add(std::as_bytes(std::span(&number, 1))); }
  void add(std::string_view text) noexcept {
    add(text.size());
    add(std::as_bytes(std::span(text)));
  }
  std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325;
};

// From the middle: beginnings are more often alike.
std::span<const std::byte> sample(std::span<const std::byte> data) noexcept {
  constexpr std::size_t kSample = 256;
  const std::size_t n = std::min(kSample, data.size());
  return data.subspan((data.size() - n) / 2, n);
}

// `part` of each tensor's data counts.
template <class Part>
std::uint64_t hash_of(const Gguf& file, const Part& part) noexcept {
  Hash hash;
  for (const MetaEntry& entry : file.metadata()) {
    hash.add(entry.key);
    hash.add(std::uint64_t(entry.type));
    hash.add(std::uint64_t(entry.element));
    hash.add(entry.count);
    hash.add(entry.data.size());
    hash.add(entry.data);
  }
  for (const TensorInfo& tensor : file.tensors()) {
    hash.add(tensor.name);
    for (const std::uint64_t dim : tensor.dims) hash.add(dim);
    hash.add(std::uint64_t(tensor.type_id));
    hash.add(part(tensor.data));
  }
  return hash.value();
}

}  // namespace

std::uint64_t fingerprint(const Gguf& file) noexcept { return hash_of(file, sample); }

std::uint64_t whole_fingerprint(const Gguf& file) noexcept {
  return hash_of(file, [](std::span<const std::byte> data) { return data; });
}

}  // namespace longhand
