// Tensors a file may hold that the text model does not need.
#pragma once

#include <span>
#include <string_view>

#include "loaders/gguf/gguf.h"

namespace longhand {

/// Tensors of a part that reads pictures or sound, which some files carry beside the text model.
bool of_other_part(std::string_view name) noexcept;

/// Tensors of layers that predict further tokens ahead: those of the `skipped` layers after the `layers` of
/// the model, and others that are named so.
bool of_further_tokens(std::string_view name, int layers, int skipped) noexcept;

/// Tensors that may be there and are not needed: what they are for is done otherwise or not at all. So are
/// those of other parts and of layers that predict further tokens ahead.
bool known_leftover(std::string_view name, int layers, int skipped) noexcept;

/// Layers [first, end) that have tensors of prediction layers; end 0: none has.
struct NextLayers {
  int first = 0, end = 0;
};
NextLayers find_next_layers(std::span<const TensorInfo> tensors) noexcept;

}  // namespace longhand
