// What the Tab key offers at the chat's prompt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/chat/chat_store.h"

namespace longhand::cli {

/// Lines that `typed` may become, in order: commands, names of settings, of saved chats and of files. One
/// that is not finished ends in '/', a folder.
std::vector<std::string> complete_line(const std::string& typed, const ChatStore& chats);

}  // namespace longhand::cli
