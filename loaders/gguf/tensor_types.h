// Sizes of tensors, and what to say about types that known_tensor_type() does not know.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "loaders/gguf/gguf.h"

namespace longhand {

/// Bytes of a tensor of `type`; every dimension at least 1. Empty unless its rows are whole blocks
/// and the size is at most 2^62, so that an offset can be added to it. The one place where a tensor's
/// size is computed.
std::optional<std::uint64_t> tensor_bytes(const TensorTypeInfo& type,
                                          const std::array<std::uint64_t, 4>& dims) noexcept;

/// Why `type_id`, unknown to known_tensor_type(), cannot be read, and what to do: "Q4_2 (id 4)
/// was removed ...".
std::string unknown_tensor_type_advice(std::uint32_t type_id);

}  // namespace longhand
