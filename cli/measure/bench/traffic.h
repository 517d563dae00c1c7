// What writing one token reads from memory.
#pragma once

#include <cstdint>

#include "engine/longhand.h"

namespace longhand::cli {

/// Bytes of all matrices a token is multiplied with (of experts, those one token uses).
std::uint64_t weight_traffic(const Model& model);
/// Bytes of keys and values a token sees after `tokens` others, and of the states of recurrent layers, which
/// are the same after any number of tokens.
std::uint64_t cache_traffic(const Model& model, CacheType keys, CacheType values, int tokens);

}  // namespace longhand::cli
