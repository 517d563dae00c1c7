// Names of models that are elsewhere: "hf:OWNER/REPO:QUANT", "ollama:NAME:TAG", "https://...".
#pragma once

#include <string>

#include "cli/pull/plan.h"

namespace longhand::cli {

/// Whether `name` has one of these forms.
bool is_source(const std::string& name);

/// What is to be downloaded of it. `sha256` of a URL's file; "": as its server tells. Throws UsageError for a
/// name of another form; Error as plan_hub(), plan_ollama().
PullPlan plan_source(const std::string& name, const std::string& sha256 = "");

/// Path of the model where it is on this machine; "" where it is not. Asks nobody. Throws Error (range).
std::string find_source(const std::string& name);

/// The same, downloaded first where it is not there. Throws Error as carry_out(), plan_source().
std::string obtain_source(const std::string& name);

}  // namespace longhand::cli
