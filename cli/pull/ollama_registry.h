// Models of ollama's registry, put where ollama itself finds them.
#pragma once

#include <string>

#include "cli/pull/plan.h"

namespace longhand::cli {

/// "NAME", "NAME:TAG" or "OWNER/NAME:TAG"; asks $OLLAMA_REGISTRY, else registry.ollama.ai. Throws Error as
/// get_text() does, and: range (no such name), missing (no GGUF model), type, limit (an answer that is none).
PullPlan plan_ollama(const std::string& name);

/// The model where ollama's folder has all of it; "" where it has not. Throws Error (range).
std::string find_in_ollama(const std::string& name);

}  // namespace longhand::cli
