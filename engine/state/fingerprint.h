// Telling models apart.
#pragma once

#include <cstdint>

#include "loaders/gguf/gguf.h"

namespace longhand {

/// A number that differs, as good as always, for files of different metadata, tensors or weights. Of the
/// weights only a sample of each tensor counts: reading all of a large model would take longer than what the
/// answer is wanted for.
std::uint64_t fingerprint(const Gguf& file) noexcept;

}  // namespace longhand
