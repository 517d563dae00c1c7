#include "engine/make/gguf_output.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace longhand {

GgufEntry copy_entry(const MetaEntry& entry) {
  std::string value;
  if (entry.type == ValueType::array) value = gguf_bytes(entry.element) + gguf_bytes(entry.count);
  value.append(reinterpret_cast<const char*>(entry.data.data()), entry.data.size());
  return {std::string(entry.key), std::uint32_t(entry.type), std::move(value)};
}

std::vector<GgufEntry> copy_metadata(const Gguf& file) {
  std::vector<GgufEntry> entries;
  for (const MetaEntry& entry : file.metadata()) {
    if (!entry.key.starts_with("split.")) entries.push_back(copy_entry(entry));
  }
  return entries;
}

GgufOutput::GgufOutput(const std::string& path, GgufHead head, FileCalls& calls)
    : head_(std::move(head)), file_(path, calls, kOrdinary) {
  const std::string bytes = head_.bytes();
  file_.write(std::as_bytes(std::span(bytes)));
  end_tensor();
}

void GgufOutput::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    if (tensor_ == head_.tensors.size()) throw std::logic_error("more data than the tensors have");
    const std::uint64_t left = head_.tensors[tensor_].bytes - written_;
    const std::size_t n = std::min(data.size(), std::size_t(left));
    file_.write(data.first(n));
    data = data.subspan(n);
    written_ += n;
    end_tensor();
  }
}

// Goes on to the next tensor that has data.
void GgufOutput::end_tensor() {
  while (tensor_ < head_.tensors.size() && written_ == head_.tensors[tensor_].bytes) {
    file_.write(std::vector<std::byte>(head_.round_up(written_) - written_));
    written_ = 0;
    ++tensor_;
  }
}

void GgufOutput::commit() {
  if (tensor_ != head_.tensors.size()) throw std::logic_error("less data than the tensors have");
  file_.commit();
}

}  // namespace longhand
