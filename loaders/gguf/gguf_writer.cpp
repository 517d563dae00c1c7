#include "loaders/gguf/gguf_writer.h"

namespace longhand {
namespace {

constexpr std::uint32_t kVersion = 3;

}  // namespace

void GgufHead::visit(const Visit& visit) const {
  visit("", "magic", "GGUF");
  visit("", "version", gguf_bytes(kVersion));
  visit("", "tensor count", gguf_bytes(std::uint64_t{tensors.size()}));
  visit("", "key count", gguf_bytes(std::uint64_t{entries.size()}));
  for (const GgufEntry& entry : entries) {
    visit(entry.key, "length", gguf_bytes(std::uint64_t{entry.key.size()}));
    visit(entry.key, "key", entry.key);
    visit(entry.key, "type", gguf_bytes(entry.type));
    visit(entry.key, "value", entry.value);
  }
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors) {
    visit(tensor.name, "length", gguf_bytes(std::uint64_t{tensor.name.size()}));
    visit(tensor.name, "name", tensor.name);
    visit(tensor.name, "n_dims", gguf_bytes(std::uint32_t(tensor.dims.size())));
    for (const std::uint64_t dim : tensor.dims) visit(tensor.name, "dimension", gguf_bytes(dim));
    visit(tensor.name, "type", gguf_bytes(tensor.type));
    visit(tensor.name, "offset", gguf_bytes(offset));
    offset = round_up(offset + tensor.bytes);
  }
}

std::string GgufHead::bytes() const {
  std::string out;
  visit([&](const std::string&, std::string_view, const std::string& bytes) { out += bytes; });
  out.resize(round_up(out.size()));
  return out;
}

}  // namespace longhand
