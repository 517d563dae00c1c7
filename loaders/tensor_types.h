// What a tensor type id means when it is not in known_tensor_type(), for messages.
#pragma once

#include <cstdint>
#include <string>

namespace longhand {

/// Why `type_id`, unknown to known_tensor_type(), cannot be read, and what to do: "Q4_2 (id 4) was removed
/// ...".
std::string unknown_tensor_type_advice(std::uint32_t type_id);

}  // namespace longhand
