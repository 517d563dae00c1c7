// A model in several files, and in one again.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "engine/longhand_edit.h"
#include "engine/make/tensor_copy.h"
#include "loaders/gguf/split_name.h"
#include "ops/error.h"

namespace longhand {
namespace {

/// Tensors of one part, which follow one another in the model.
struct Run {
  std::size_t begin = 0, end = 0;
};

std::vector<Run> runs_of(std::span<const TensorInfo> tensors, const SplitOptions& options) {
  if (options.max_bytes == 0 && options.max_tensors <= 0)
    throw Error(Errc::range, "a split needs a limit: the most bytes or the most tensors of a part");
  std::vector<Run> runs(options.metadata_alone ? 2 : 1);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::size_t held = i - runs.back().begin;
    const bool many = options.max_tensors > 0 && held == std::size_t(options.max_tensors);
    const bool large =
        options.max_bytes > 0 && held > 0 && bytes + tensors[i].data.size() > options.max_bytes;
    if (many || large) {
      runs.push_back({i, i});
      bytes = 0;
    }
    runs.back().end = i + 1;
    bytes += tensors[i].data.size();
  }
  constexpr std::size_t kMostParts = 65'535;  // their number is a u16 in the files
  if (runs.size() > kMostParts) {
    throw Error(Errc::range,
                fmt::format("the limits make {} parts, must be at most {}", runs.size(), kMostParts));
  }
  return runs;
}

/// The head of part `no`. The metadata stands in the first part alone.
GgufHead head_of(const Gguf& file, const std::vector<Run>& runs, std::size_t no) {
  GgufHead head;
  head.alignment = alignment_of(file);
  if (no == 0) {
    head.entries = copy_metadata(file);
  } else if (const MetaEntry* alignment = file.find(key::alignment.name)) {
    head.entries.push_back(copy_entry(*alignment));
  }
  const auto add = [&head](const KeySpec& key, auto value) {
    head.entries.push_back(gguf_entry(std::string(key.name), value));
  };
  add(key::split_no, std::uint16_t(no));
  add(key::split_count, std::uint16_t(runs.size()));
  add(key::split_tensors, std::int32_t(file.tensors().size()));
  for (std::size_t i = runs[no].begin; i < runs[no].end; ++i)
    head.tensors.push_back(copy_shape(file.tensors()[i]));
  return head;
}

std::vector<ModelPart> parts_of(const Gguf& file, const std::string& stem, const std::vector<Run>& runs) {
  const SplitName names{stem, std::int64_t(runs.size())};
  std::vector<ModelPart> parts;
  for (std::size_t no = 0; no < runs.size(); ++no) {
    const GgufHead head = head_of(file, runs, no);
    ModelPart part{names.part(std::int64_t(no)), int(head.tensors.size()), head.bytes().size()};
    for (const GgufHead::Tensor& tensor : head.tensors) part.bytes += head.round_up(tensor.bytes);
    parts.push_back(std::move(part));
  }
  return parts;
}

// What is there already could not be put back if a later part failed.
void refuse_existing(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::exists(path, unknown))
    throw Error(Errc::io, fmt::format("{}: is there already", escape_controls(path, 200)));
}

/// Files that are removed again unless all of them are there.
class Written {
 public:
  ~Written() {
    for (const std::string& path : paths_) std::remove(path.c_str());
  }
  void add(const std::string& path) { paths_.push_back(path); }
  void keep() noexcept { paths_.clear(); }

 private:
  std::vector<std::string> paths_;
};

}  // namespace

std::vector<ModelPart> plan_split(const std::string& model, const std::string& stem,
                                  const SplitOptions& options) {
  const Gguf file = Gguf::open(model);
  return parts_of(file, stem, runs_of(file.tensors(), options));
}

std::vector<ModelPart> split_model(const std::string& model, const std::string& stem,
                                   const SplitOptions& options, const Progress& progress) {
  const Gguf file = Gguf::open(model);
  const std::vector<Run> runs = runs_of(file.tensors(), options);
  std::vector<ModelPart> parts = parts_of(file, stem, runs);
  for (const ModelPart& part : parts) refuse_existing(part.path);

  TensorCopy copy(file, progress);
  Written written;
  for (std::size_t no = 0; no < runs.size(); ++no) {
    GgufOutput out(parts[no].path, head_of(file, runs, no));
    for (std::size_t i = runs[no].begin; i < runs[no].end; ++i) copy.copy(file.tensors()[i], out);
    written.add(parts[no].path);
    out.commit();
  }
  written.keep();
  return parts;
}

void merge_model(const std::string& first, const std::string& out, const Progress& progress) {
  const Gguf file = Gguf::open(first);
  refuse_own_file(file, first, out);
  write_copy(file, copy_metadata(file), out, progress);
}

}  // namespace longhand
