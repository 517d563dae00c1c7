// The values of a chat that can be changed while it runs, by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

/// Those of the library's chat, and the program's own.
struct ProgramSettings : ChatSettings {
  bool show_reasoning = true;
  bool plain = false;  // answers as they come: no wrapped words, no Markdown
};

struct NamedValue {
  std::string name;
  std::string value;
};

/// In the order they are shown.
std::vector<NamedValue> list_settings(const ProgramSettings& settings);

/// Throws Error (range) for an unknown name, listing the known ones, or for text that is none of its values.
/// Bounds of numbers are the sampler's business. A flag's name does too: "--top-k".
void change_setting(ProgramSettings& settings, std::string_view name, const std::string& value);

/// "on", "off" and "auto", or "low", "medium" and "high": whether and how much the model reasons. Throws
/// Error (range).
void change_thinking(ProgramSettings& settings, const std::string& value);

}  // namespace longhand::cli
