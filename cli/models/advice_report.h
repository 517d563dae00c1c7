// What info says of long texts: how far a model's positions carry, and how sharp its attention should be
// there.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/api/advice.h"

namespace longhand::cli {

/// In one line.
std::string reach_text(const ContextReach& reach);
std::string advice_text(const ContextAdvice& advice);
nlohmann::ordered_json advice_json(const ContextAdvice& advice);

}  // namespace longhand::cli
