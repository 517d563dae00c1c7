// What other families take over from Llama.
#pragma once

#include "engine/make/convert/family.h"

namespace longhand {

/// Queries and keys whose rotated pairs become neighbours, and Mixtral's experts.
std::span<const TensorRule> llama_layer_rules() noexcept;
/// The rotated size of a head, and the number of tokens.
void llama_keys(const HubConfig& config, ModelKeys& keys);

}  // namespace longhand
