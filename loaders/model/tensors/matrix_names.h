// Which matrices of a loaded model came out of which tensors of its file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loaders/model/config.h"
#include "loaders/model/layers.h"
#include "loaders/model/weights.h"

namespace longhand {

/// Rows of a tensor's matrix that became a matrix of the model.
struct MatrixPlace {
  const Linear* linear;
  std::int64_t row = 0;     // the first of them
  int expert = 0;           // which matrix of the tensor
  bool transposed = false;  // `linear` is their transpose
};

/// A tensor (in, out), or (in, out, experts) with a matrix for each expert.
struct NamedMatrix {
  std::string name;  // "blk.3.attn_q.weight"
  std::int64_t in = 0, out = 0;
  int experts = 0;  // 0: the tensor has two dimensions
  std::vector<MatrixPlace> places;
};

/// Every tensor of matrices that are multiplied, but for those of prediction layers and the embedding. `has`
/// tells what the file of `weights` holds. `unused`, where it is given, gets the names of tensors that some
/// files have and nothing reads.
std::vector<NamedMatrix> name_matrices(const ModelConfig& config, const Weights& weights,
                                       const HasTensor& has, std::vector<std::string>* unused = nullptr);

}  // namespace longhand
