// A token's number in the vocabulary.
#pragma once

#include <cstdint>

namespace longhand {

using Token = std::int32_t;

}  // namespace longhand
