#include "engine/make/quantize/output_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "engine/make/disk_room.h"
#include "engine/make/tensor_copy.h"
#include "loaders/gguf/split_name.h"
#include "ops/error.h"

namespace longhand {
namespace {

namespace fs = std::filesystem;

// What the blocks of today's formats are called in files.
constexpr std::uint32_t kQuantizationVersion = 2;

void put(std::vector<GgufEntry>& entries, GgufEntry entry) {
  const auto old = std::ranges::find(entries, entry.key, &GgufEntry::key);
  if (old != entries.end()) {
    *old = std::move(entry);
  } else {
    entries.push_back(std::move(entry));
  }
}

std::vector<GgufEntry> metadata_of(const Gguf& file, const QuantizePlan& plan, const QuantizeOptions& options,
                                   const ImportanceMatrix* matrix) {
  std::vector<GgufEntry> entries = copy_metadata(file);
  put(entries, gguf_entry("general.quantization_version", kQuantizationVersion));
  put(entries, gguf_entry(std::string(key::file_type.name), plan.file_type));
  if (matrix == nullptr) return entries;
  put(entries, gguf_entry("quantize.imatrix.file", fs::path(options.importance).filename().string()));
  if (!matrix->datasets.empty()) {
    put(entries, gguf_entry("quantize.imatrix.dataset", fs::path(matrix->datasets[0]).filename().string()));
  }
  put(entries, gguf_entry("quantize.imatrix.entries_count", std::uint32_t(matrix->entries.size())));
  if (matrix->chunks > 0)
    put(entries, gguf_entry("quantize.imatrix.chunks_count", std::uint32_t(matrix->chunks)));
  return entries;
}

// What every part of a split model says of itself.
void add_split_keys(OutputPart& part, std::size_t no, std::size_t count, std::size_t tensors) {
  put(part.head.entries, gguf_entry(std::string(key::split_no.name), std::uint16_t(no)));
  put(part.head.entries, gguf_entry(std::string(key::split_count.name), std::uint16_t(count)));
  put(part.head.entries, gguf_entry(std::string(key::split_tensors.name), std::int32_t(tensors)));
}

std::string stem_of(const std::string& out) {
  constexpr std::string_view kSuffix = ".gguf";
  return out.ends_with(kSuffix) ? out.substr(0, out.size() - kSuffix.size()) : out;
}

void add_tensor(OutputPart& part, const PlannedTensor& t) {
  GgufHead::Tensor tensor = copy_shape(*t.tensor);
  tensor.type = t.type;
  tensor.bytes = t.bytes();
  part.head.tensors.push_back(std::move(tensor));
  part.tensors.push_back(&t);
}

}  // namespace

std::uint64_t OutputPart::bytes() const {
  std::uint64_t size = head.bytes().size();
  for (const GgufHead::Tensor& t : head.tensors) size += head.round_up(t.bytes);
  return size;
}

std::vector<OutputPart> plan_output(const Gguf& file, const QuantizePlan& plan, const std::string& out,
                                    const QuantizeOptions& options, const ImportanceMatrix* matrix) {
  int last = 0;
  for (const PlannedTensor& t : plan.tensors) last = std::max(last, t.tensor->part);
  const std::size_t count = options.keep_split ? std::size_t(last) + 1 : 1;
  const SplitName names{stem_of(out), std::int64_t(count)};
  std::vector<OutputPart> parts(count);
  for (std::size_t i = 0; i < count; ++i) {
    OutputPart& part = parts[i];
    part.path = count == 1 ? out : names.part(std::int64_t(i));
    part.head.alignment = alignment_of(file);
    if (i == 0) part.head.entries = metadata_of(file, plan, options, matrix);
    if (i > 0 && file.has(key::alignment))
      put(part.head.entries,
          gguf_entry(std::string(key::alignment.name), std::uint32_t(part.head.alignment)));
    if (count > 1) add_split_keys(part, i, count, plan.tensors.size());
  }
  for (const PlannedTensor& t : plan.tensors)
    add_tensor(parts[options.keep_split ? std::size_t(t.tensor->part) : 0], t);
  return parts;
}

void check_names(const Gguf& file, const std::string& in, const std::string& importance,
                 const std::vector<OutputPart>& parts) {
  for (const OutputPart& part : parts) {
    refuse_own_file(file, in, part.path);
    if (!importance.empty()) refuse_same_file(importance, part.path);
  }
}

void check_room(const std::vector<OutputPart>& parts) {
  std::map<std::string, std::uint64_t> needed;  // by folder
  for (const OutputPart& part : parts) {
    const std::uint64_t bytes = part.bytes();
    needed[folder_of(part.path).string()] += bytes - std::min(bytes, left_over(part.path));
  }
  for (const auto& [folder, bytes] : needed) need_room(folder, bytes);
}

}  // namespace longhand
