// The results of functions that the model calls: whoever sits at the terminal gives them, or the program at
// the other end of the pipe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/terminal/line_input.h"
#include "engine/longhand.h"

namespace longhand::cli {

/// One line for each call: its result, or under `json` an object {"tool_call_id", "content"}, in any order.
/// Nothing where the input ends or somebody leaves. Throws Error: type (no such object), range (a call that
/// there is not).
std::optional<std::vector<std::string>> take_results(std::span<const ToolCall> calls, LineInput& input,
                                                     bool json);

}  // namespace longhand::cli
