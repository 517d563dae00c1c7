// Tensors a file may hold that the text model does not need.
#pragma once

#include <string_view>

namespace longhand {

/// Tensors of a part that reads pictures or sound, which some files carry beside the text model.
bool of_other_part(std::string_view name) noexcept;

/// Tensors that may be there and are not needed: what they are for is done otherwise or not at all. So are
/// those of other parts, of layers that predict further tokens ahead, and of the `skipped` layers after the
/// `layers` of the model.
bool known_leftover(std::string_view name, int layers, int skipped) noexcept;

}  // namespace longhand
