// How models of whole texts make a vector of many.
#pragma once

#include <string>

#include "engine/make/convert/model_keys.h"

namespace longhand {

/// Of modules.json and the folder of its pooling module; false where there are none. Throws Error:
/// unsupported (a way to pool that is not known), and as HubConfig.
bool add_pooling_keys(const std::string& folder, ModelKeys& keys);

}  // namespace longhand
