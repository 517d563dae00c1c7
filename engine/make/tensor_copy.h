// Tensors taken over as they are.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "engine/make/gguf_output.h"
#include "engine/types/progress.h"

namespace longhand {

GgufHead::Tensor copy_shape(const TensorInfo& tensor);
/// Bytes of all tensors, without what lies between them.
std::uint64_t tensor_bytes(const Gguf& file);
/// What the data of `file`'s tensors begins at multiples of.
std::uint64_t alignment_of(const Gguf& file);
/// Every file of the model whose first or only one is `path`.
std::vector<std::string> files_of(const Gguf& file, const std::string& path);
/// Whether `read` is the file `out`, or one that stands beside it while it is written, by whatever links.
bool is_file_of(const std::string& read, const std::string& out);
/// Throws Error (range) where one of the files of `model` is_file_of() `out`.
void refuse_own_file(const Gguf& file, const std::string& model, const std::string& out);
/// Throws Error (range) where `read` is_file_of() `out`.
void refuse_same_file(const std::string& read, const std::string& out);

/// Told after each piece how many bytes of the source were read; may throw.
using BytesRead = std::function<void(std::uint64_t)>;

/// Writes the data of a tensor of `file` as it is and gives its pages back. Throws Error (io); and what
/// `read` throws.
void copy_data(const Gguf& file, const TensorInfo& tensor, GgufOutput& out, const BytesRead& read);

/// Copies tensors and counts for the progress.
class TensorCopy {
 public:
  TensorCopy(const Gguf& file, const Progress& progress)
      : file_(file), total_(tensor_bytes(file)), progress_(progress) {}
  /// Throws Error: io, cancelled.
  void copy(const TensorInfo& tensor, GgufOutput& out);

 private:
  const Gguf& file_;
  std::uint64_t total_, done_ = 0;
  const Progress& progress_;
};

/// All tensors of `file` under the metadata `entries`. Throws Error: io, cancelled.
void write_copy(const Gguf& file, std::vector<GgufEntry> entries, const std::string& path,
                const Progress& progress);

}  // namespace longhand
