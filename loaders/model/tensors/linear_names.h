// The tensors that the matrices of a loaded model came from.
#pragma once

#include <string>
#include <vector>

#include "loaders/model/config.h"
#include "loaders/model/layers.h"
#include "loaders/model/weights.h"

namespace longhand {

/// One of the matrices of a tensor.
struct NamedLinear {
  std::string tensor;  // "blk.3.ffn_up_exps.weight"
  const Linear* linear;
  int matrix = 0;           // which of the tensor's
  int matrices = 1;         // of the tensor, each with inputs of its own
  bool by_experts = false;  // each matrix sees some of the tokens; else all see all
};

/// Every matrix of `weights` that reads an input of its own, by a walk over the slots: of those that a file
/// keeps in one tensor because they read the same, the first stands for all. Groups of rows that read inputs
/// of their own have one name. `has` tells which tensors the file has.
std::vector<NamedLinear> name_linears(const ModelConfig& config, const Weights& weights,
                                      const HasTensor& has);

}  // namespace longhand
