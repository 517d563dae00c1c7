// Telling models apart, and what is computed beside them.
#pragma once

#include <cstdint>

#include "loaders/gguf/gguf.h"

namespace longhand {

/// A number that differs, as good as always, for files of different metadata, tensors or weights. Of the
/// weights only a sample of each tensor counts: reading all of a large model would take longer than what the
/// answer is wanted for.
std::uint64_t fingerprint(const Gguf& file) noexcept;

/// The same of all bytes of the tensors: for small files, of which a few values may be all that differs.
std::uint64_t whole_fingerprint(const Gguf& file) noexcept;

}  // namespace longhand
