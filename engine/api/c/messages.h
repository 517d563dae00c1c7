// Conversations of the C interface, to those of C++.
#pragma once

#include <vector>

#include "engine/longhand.h"
#include "engine/longhand_c.h"

namespace longhand::c_api {

/// Both throw Refusal.
std::vector<ChatMessage> messages_of(const lh_conversation& conversation, const lh_render_options& options);
ChatOptions chat_options(const lh_render_options& from);

}  // namespace longhand::c_api
