// Calls as a model would write them: for conversations of templates that know of no calls.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/chat/prompt.h"
#include "engine/chat/tools/call_form.h"
#include "engine/chat/tools/tool_list.h"
#include "engine/types/tools.h"

namespace longhand {

/// `calls` in `form`; what comes from the form itself is trusted. `tools` says which arguments are raw texts;
/// those of functions it lacks are mixed. Arguments that are no JSON object are written as none.
std::vector<PromptPiece> write_calls(const CallForm& form, std::span<const ToolCall> calls,
                                     std::span<const Tool> tools = {});

}  // namespace longhand
