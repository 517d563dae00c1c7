// The stored tensors of a folder as a converter takes them: each is taken once, and what is left over is
// known.
#pragma once

#include <string_view>
#include <unordered_set>

#include "engine/make/convert/hub_config.h"
#include "engine/make/convert/tensor_rows.h"
#include "loaders/safetensors/safetensors_folder.h"

namespace longhand {

class TensorSource {
 public:
  /// Both must outlive this. Throws Error (unsupported) where the weights are quantized in a way that is not
  /// read here: of quantization_config, "fp8" with weight_scale_inv and "mxfp4" are.
  TensorSource(const SafetensorsFolder& folder, const HubConfig& config);

  const SafetensorsFolder& folder() const noexcept { return folder_; }
  /// The numbers of `tensor`, with its scales where it has some.
  TensorRows rows(const StoredTensor& tensor);
  /// Another tensor that `tensor` belongs together with: its name with `ending` in place of `old_ending`.
  /// Throws Error (missing).
  const StoredTensor& beside(const StoredTensor& tensor, std::string_view old_ending,
                             std::string_view ending);

  void take(const StoredTensor& tensor) { taken_.insert(&tensor); }
  bool taken(const StoredTensor& tensor) const { return taken_.contains(&tensor); }

 private:
  const SafetensorsFolder& folder_;
  std::uint64_t block_rows_ = 0, block_cols_ = 0;  // of a scale; 0: one scale for the whole tensor
  bool needs_scales_ = false;                      // every tensor of 8 bits
  std::unordered_set<const StoredTensor*> taken_;
};

}  // namespace longhand
