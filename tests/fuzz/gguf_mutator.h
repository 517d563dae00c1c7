// Changes to a GGUF file that leave it a GGUF file: keys, values, types, tensors change; counts, lengths and
// offsets are made to fit, so that what lies behind the container's reader is reached.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "tests/fuzz/gguf_parts.h"

namespace longhand::fuzz {

using Random = std::minstd_rand;

/// Changes bytes without knowing what they are, to any length up to the second argument.
using ByteMutator = std::function<std::string(std::string, std::size_t most)>;

/// One or a few changes to `file`, or to bytes where it is no GGUF file.
std::string mutate_gguf(std::string_view file, std::size_t most, Random& random, const ByteMutator& bytes);

/// Keys of one file and tensors of one file.
std::string cross_gguf(std::string_view a, std::string_view b, Random& random);

}  // namespace longhand::fuzz
