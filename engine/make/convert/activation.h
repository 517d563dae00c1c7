// The function of feed-forward networks, which no key of a file states.
#pragma once

#include <string_view>

#include "engine/make/convert/hub_config.h"

namespace longhand {

/// Throws Error (unsupported) where config.json states another function than the architecture computes.
void check_activation(const HubConfig& config, std::string_view architecture);

}  // namespace longhand
