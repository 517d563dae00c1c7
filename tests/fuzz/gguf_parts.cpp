#include "tests/fuzz/gguf_parts.h"

#include <algorithm>

#include "loaders/gguf/keys.h"

namespace longhand::fuzz {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string GgufParts::bytes() const {
  std::string out = head.bytes();
  for (const std::string& tensor : data) {
    out.resize(head.round_up(out.size()));
    out += tensor;
  }
  return out;
}

GgufParts take_apart(const Gguf& file) {
  GgufParts parts;
  if (const auto alignment = file.get_int(key::alignment)) parts.head.alignment = std::uint64_t(*alignment);
  for (const MetaEntry& entry : file.metadata()) {
    std::string value;
    if (entry.type == ValueType::array) value = gguf_bytes(entry.element) + gguf_bytes(entry.count);
    parts.head.entries.push_back(
        {std::string(entry.key), std::uint32_t(entry.type), value + text_of(entry.data)});
  }
  for (const TensorInfo& tensor : file.tensors()) {
    parts.head.tensors.push_back({std::string(tensor.name),
                                  {tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims},
                                  tensor.type_id,
                                  tensor.data.size()});
    parts.data.push_back(text_of(tensor.data));
  }
  return parts;
}

}  // namespace longhand::fuzz
