#include "engine/make/tensor_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "engine/state/atomic_file.h"
#include "loaders/gguf/split_name.h"
#include "ops/error.h"

namespace longhand {

GgufHead::Tensor copy_shape(const TensorInfo& tensor) {
  return {std::string(tensor.name),
          {tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims},
          tensor.type_id,
          tensor.data.size()};
}

std::uint64_t tensor_bytes(const Gguf& file) {
  std::uint64_t sum = 0;
  for (const TensorInfo& tensor : file.tensors()) sum += tensor.data.size();
  return sum;
}

std::uint64_t alignment_of(const Gguf& file) {
  return std::uint64_t(file.get_int(key::alignment).value_or(std::int64_t(GgufHead{}.alignment)));
}

std::vector<std::string> files_of(const Gguf& file, const std::string& path) {
  const std::int64_t count = file.get_int(key::split_count).value_or(1);
  if (count <= 1) return {path};
  const std::filesystem::path first(path);
  const SplitName names = parse_split_name(first.filename().string(), 0, count);
  std::vector<std::string> files;
  for (std::int64_t no = 0; no < count; ++no)
    files.push_back((first.parent_path() / names.part(no)).string());
  return files;
}

void refuse_own_file(const Gguf& file, const std::string& model, const std::string& out) {
  for (const std::string& path : files_of(file, model)) refuse_same_file(path, out);
}

bool is_file_of(const std::string& read, const std::string& out) {
  const std::string path = end_of_links(out), unfinished = path + std::string(kUnfinished);
  const std::string own[] = {path, unfinished, unfinished + std::string(kJournal)};
  return std::ranges::any_of(own, [&](const std::string& file) {
    std::error_code not_there;
    return std::filesystem::equivalent(read, file, not_there);
  });
}

void refuse_same_file(const std::string& read, const std::string& out) {
  if (!is_file_of(read, out)) return;
  throw Error(Errc::range, fmt::format("{}: would be overwritten or removed while {} is written from it",
                                       escape_controls(read, 200), escape_controls(out, 200)));
}

void copy_data(const Gguf& file, const TensorInfo& tensor, GgufOutput& out, const BytesRead& read) {
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  for (std::span<const std::byte> left = tensor.data; !left.empty();) {
    const std::span<const std::byte> piece = left.first(std::min(kPiece, left.size()));
    out.write(piece);
    file.release(piece);
    left = left.subspan(piece.size());
    read(piece.size());
  }
}

void TensorCopy::copy(const TensorInfo& tensor, GgufOutput& out) {
  copy_data(file_, tensor, out, [this](std::uint64_t bytes) {
    done_ += bytes;
    if (progress_ && !progress_(float(double(done_) / double(total_))))
      throw Error(Errc::cancelled, "writing the model was cancelled");
  });
}

void write_copy(const Gguf& file, std::vector<GgufEntry> entries, const std::string& path,
                const Progress& progress) {
  GgufHead head{alignment_of(file), std::move(entries), {}};
  for (const TensorInfo& tensor : file.tensors()) head.tensors.push_back(copy_shape(tensor));
  GgufOutput out(path, std::move(head));
  TensorCopy copy(file, progress);
  for (const TensorInfo& tensor : file.tensors()) copy.copy(tensor, out);
  out.commit();
}

}  // namespace longhand
