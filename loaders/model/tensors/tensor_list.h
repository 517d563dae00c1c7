// The tensors of a model of some configuration, found by a walk over its slots: what a file of it must hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loaders/model/config.h"
#include "loaders/model/layers.h"

namespace longhand {

enum class TensorKind : std::uint8_t {
  matrix,
  norm,    // the weight of a norm
  vector,  // biases, and other numbers that are no matrix
  whole,   // whole numbers, of type I32
};

struct ListedTensor {
  std::string name;                 // "blk.3.ffn_up_exps.weight"
  std::vector<std::uint64_t> dims;  // dims[0] is contiguous: (in, out, experts); no ones at the end
  TensorKind kind = TensorKind::matrix;
  MatrixRole role = MatrixRole::small;
  int layer = -1;  // -1: outside of all layers
};

/// Every tensor that load_weights() takes from a file of this configuration, once each; config.vocab must be
/// set. What a file may have or not, by need or by form, is there where `wanted` says so of its name:
/// optional tensors, biases, scales, experts. Without wishes, matrices that can be fused stand apart. Codes
/// of keys are not listed, since their number is the file's own choice.
std::vector<ListedTensor> list_tensors(const ModelConfig& config, const HasTensor& wanted);

/// Wants these names and no others. Names of tensors inside a layer stand without "blk.N.", and are wanted in
/// every layer.
HasTensor wish_list(std::vector<std::string> names);

}  // namespace longhand
