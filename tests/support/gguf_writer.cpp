#include "tests/support/gguf_writer.h"

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace longhand::test {
namespace {

// Joins the fields of a head, puts wrong values in the place of right ones, and remembers where integers are.
class Spoiler {
 public:
  Spoiler(const GgufWriter& writer, std::vector<GgufWriter::Field>* fields)
      : writer_(writer), fields_(fields) {}

  void field(const std::string& owner, std::string_view name, std::string bytes) {
    replace(name, bytes);
    const std::string label = owner.empty() ? std::string(name) : owner + " " + std::string(name);
    if (name == "value") {
      mark_value(label.substr(0, label.size() - 6), bytes.size());
    } else if (name != "magic" && name != "key" && name != "name") {
      mark(label, 0, bytes.size());
    }
    if (name == "type") std::memcpy(&type_, bytes.data(), sizeof type_);
    if (name == "offset") ++tensor_;
    out_ += bytes;
  }
  std::string take() { return std::move(out_); }

 private:
  void replace(std::string_view name, std::string& bytes) const {
    if (name == "magic") bytes = writer_.magic;
    if (name == "version") bytes = encode(writer_.version);
    if (name == "tensor count" && writer_.tensor_count) bytes = encode(*writer_.tensor_count);
    if (name == "key count" && writer_.key_count) bytes = encode(*writer_.key_count);
    if (name == "n_dims" && writer_.tensors[tensor_].n_dims) bytes = encode(*writer_.tensors[tensor_].n_dims);
    if (name == "offset" && writer_.tensors[tensor_].offset) bytes = encode(*writer_.tensors[tensor_].offset);
  }
  void mark_value(const std::string& key, std::size_t bytes) {
    if (type_ == std::uint32_t(ValueType::array)) {
      mark(key + " element type", 0, 4);
      mark(key + " elements", 4, 8);
    } else if (type_ == std::uint32_t(ValueType::string)) {
      mark(key + " value length", 0, 8);
    } else {
      mark(key + " value", 0, bytes);
    }
  }
  void mark(const std::string& name, std::size_t ahead, std::size_t bytes) {
    if (fields_ != nullptr) fields_->push_back({name, out_.size() + ahead, bytes});
  }

  const GgufWriter& writer_;
  std::vector<GgufWriter::Field>* fields_;
  std::string out_;
  std::uint32_t type_ = 0;  // of the value that follows
  std::size_t tensor_ = 0;  // the one whose fields come
};

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
  GgufHead head{alignment, entries, {}};
  for (const Tensor& t : tensors) head.tensors.push_back({t.name, t.dims, t.type, t.data.size()});
  Spoiler spoiler(*this, fields);
  head.visit([&](const std::string& owner, std::string_view name, std::string bytes) {
    spoiler.field(owner, name, std::move(bytes));
  });
  std::string out = spoiler.take();
  for (const Tensor& t : tensors) {
    out.resize(head.round_up(out.size()));
    out += t.data;
  }
  return out;
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
  out.write(content.data(), std::streamsize(content.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

std::vector<std::byte> to_bytes(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

}  // namespace longhand::test
