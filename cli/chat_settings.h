// The values of a chat that can be changed while it runs, by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/chat_session.h"

namespace longhand::cli {

struct NamedValue {
  std::string_view name;
  std::string value;
};

/// In the order they are shown.
std::vector<NamedValue> list_settings(const ChatSettings& settings);

/// Throws Error (range) for an unknown name, listing the known ones, or for text that is none of its values.
/// Bounds of numbers are the sampler's business.
void change_setting(ChatSettings& settings, std::string_view name, const std::string& value);

/// "on", "off" and "auto", or "low", "medium" and "high": whether and how much the model reasons. Throws
/// Error (range).
void change_thinking(ChatSettings& settings, const std::string& value);

}  // namespace longhand::cli
