// The weights of a folder as Hugging Face keeps models: model.safetensors, or the files that
// model.safetensors.index.json lists.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loaders/gguf/mapped_file.h"
#include "loaders/safetensors/safetensors.h"

namespace longhand {

class SafetensorsFolder {
 public:
  /// Maps the files. Throws Error as parse_safetensors(), and: io, missing (neither of the two, or a tensor
  /// that the index promises), mismatch (a tensor in another file than the index says, or in none),
  /// duplicate, range (the index names a file that does not lie in the folder).
  static SafetensorsFolder open(const std::string& folder);

  /// All tensors, file by file, each in the order of its bytes.
  std::span<const StoredTensor> tensors() const noexcept { return tensors_; }
  const StoredTensor* find(std::string_view name) const noexcept;
  /// Names of the files, without the folder.
  std::span<const std::string> files() const noexcept { return names_; }
  /// Gives the pages of a tensor back to the system; reading it again reloads them.
  void release(const StoredTensor& tensor) const noexcept;

 private:
  void add_file(const std::string& folder, const std::string& name);
  void sort_names();

  std::vector<std::string> names_;
  std::vector<MappedFile> files_;
  std::vector<StoredTensor> tensors_;
  std::vector<std::size_t> by_name_;  // positions in tensors_
};

}  // namespace longhand
