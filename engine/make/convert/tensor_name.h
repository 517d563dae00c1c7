// The name of a stored tensor, taken apart.
#pragma once

#include <string>
#include <string_view>

namespace longhand {

struct TensorName {
  int layer = -1;      // -1: in none
  int expert = -1;     // -1: of none
  std::string tail;    // what follows "model.layers.N." or "model."; the number of an expert is a *
  std::string ending;  // ".weight" or ".bias", which `tail` does not have; else empty
};

/// "model.language_model.layers.3.mlp.experts.7.up_proj.weight" is "mlp.experts.*.up_proj" of expert 7 in
/// layer 3.
TensorName take_apart(std::string_view name);

/// Scales of what 8-bit weights are multiplied with, which are computed here as it comes.
bool of_activations(std::string_view name) noexcept;

/// Tensors of a part that reads pictures or sound, or foresees further tokens.
bool of_part_left_out(std::string_view name) noexcept;

}  // namespace longhand
