#include "tests/support/gguf_writer.h"

#include <fstream>
#include <stdexcept>
#include <utility>

namespace longhand::test {
namespace {

// Appends to a file and remembers where its integers are.
class Output {
 public:
  explicit Output(std::vector<GgufWriter::Field>* fields) : fields_(fields) {}

  void raw(const std::string& bytes) { out_ += bytes; }
  template <class T>
  void number(const std::string& name, T value) {
    mark(name, 0, sizeof value);
    out_ += encode(value);
  }
  void text(const std::string& name, const std::string& value) {
    mark(name + " length", 0, 8);
    out_ += encode(value);
  }
  void mark(const std::string& name, std::size_t ahead, std::size_t bytes) {
    if (fields_ != nullptr) fields_->push_back({name, out_.size() + ahead, bytes});
  }
  void pad(std::uint64_t alignment) {
    while (alignment != 0 && out_.size() % alignment != 0) out_ += '\0';
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::vector<GgufWriter::Field>* fields_;
};

std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) {
  return alignment == 0 ? value : (value + alignment - 1) / alignment * alignment;
}

}  // namespace

GgufWriter& GgufWriter::add_raw(const std::string& key, std::uint32_t type, std::string encoded_value) {
  entries.push_back({key, type, std::move(encoded_value)});
  return *this;
}

GgufWriter& GgufWriter::align(std::uint32_t bytes) {
  alignment = bytes;
  return add("general.alignment", bytes);
}

GgufWriter& GgufWriter::tensor(const std::string& name, const std::vector<std::uint64_t>& dims,
                               std::uint32_t type, std::string data) {
  tensors.push_back({name, dims, type, std::move(data)});
  return *this;
}

GgufWriter& GgufWriter::tensor(const std::string& name, const std::vector<std::uint64_t>& dims,
                               const std::vector<float>& values) {
  std::string data;
  for (const float value : values) data += encode(value);
  return tensor(name, dims, 0, data);
}

std::string GgufWriter::build(std::vector<Field>* fields) const {
  Output out(fields);
  out.raw(magic);
  out.number("version", version);
  out.number("tensor count", tensor_count.value_or(tensors.size()));
  out.number("key count", key_count.value_or(entries.size()));
  for (const Entry& entry : entries) {
    out.text(entry.key, entry.key);
    out.number(entry.key + " type", entry.type);
    if (entry.type == static_cast<std::uint32_t>(ValueType::array)) {
      out.mark(entry.key + " element type", 0, 4);
      out.mark(entry.key + " elements", 4, 8);
    } else if (entry.type == static_cast<std::uint32_t>(ValueType::string)) {
      out.mark(entry.key + " value length", 0, 8);
    } else {
      out.mark(entry.key + " value", 0, entry.value.size());
    }
    out.raw(entry.value);
  }
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors) {
    out.text(tensor.name, tensor.name);
    out.number(tensor.name + " n_dims",
               tensor.n_dims.value_or(static_cast<std::uint32_t>(tensor.dims.size())));
    for (const std::uint64_t dim : tensor.dims) out.number(tensor.name + " dimension", dim);
    out.number(tensor.name + " type", tensor.type);
    out.number(tensor.name + " offset", tensor.offset.value_or(offset));
    offset = round_up(offset + tensor.data.size(), alignment);
  }
  for (const Tensor& tensor : tensors) {
    out.pad(alignment);
    out.raw(tensor.data);
  }
  return out.take();
}

std::vector<std::byte> GgufWriter::bytes() const { return to_bytes(build()); }

std::vector<GgufWriter::Field> GgufWriter::fields() const {
  std::vector<Field> fields;
  build(&fields);
  return fields;
}

void GgufWriter::write(const std::string& path) const {
  std::ofstream out(path, std::ios::binary);
  const std::string content = build();
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

std::vector<std::byte> to_bytes(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

}  // namespace longhand::test
