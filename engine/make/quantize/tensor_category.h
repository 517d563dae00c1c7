// What a matrix is, as far as recipes of tensor types tell matrices apart, and which tensors stay floats.
#pragma once

#include <cstdint>
#include <string_view>

#include "loaders/gguf/gguf.h"

namespace longhand {

enum class TensorCategory : std::uint8_t {
  output,     // the output head
  embedding,  // of tokens
  query,
  key,
  value,  // also what is fused with it, and the values of latent attention
  attention_output,
  ffn_up,
  ffn_gate,
  ffn_down,
  other,
};

/// Of a tensor by its name, in files of any architecture.
TensorCategory category_of(std::string_view name) noexcept;
/// N of "blk.N.attn_q.weight"; -1 for what belongs to no layer.
int layer_of(std::string_view name) noexcept;
/// Dimensions without the ones at the end; at least 1.
int dimensions_of(const TensorInfo& tensor) noexcept;
/// Whether recipes leave the tensor as it is: vectors, norms, routers, convolutions, positions, and small
/// matrices of which every weight counts.
bool stays_float(const TensorInfo& tensor) noexcept;

}  // namespace longhand
