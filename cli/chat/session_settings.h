// What a chat's session is made with, by name, for /set.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/chat/chat_settings.h"
#include "engine/longhand.h"

namespace longhand::cli {

/// In the order they are shown.
std::vector<NamedValue> list_session_settings(const SessionOptions& options);

/// Sets the one of this name, an option's ("attention.window") or a flag's ("--attention-window",
/// "ctx_size"); false if none is called so. Throws Error (range) for what is none of its values.
bool change_session_setting(SessionOptions& options, std::string_view name, const std::string& value);

}  // namespace longhand::cli
