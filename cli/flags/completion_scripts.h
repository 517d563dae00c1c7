// What shells are told so that their Tab key knows the program.
#pragma once

#include <span>
#include <string>

#include "cli/flags/completion_tree.h"

namespace longhand::cli {

/// Scripts for the shells' own folders of completions; bash's may be sourced as well.
std::string bash_completion(std::span<const VerbFacts> verbs);
std::string zsh_completion(std::span<const VerbFacts> verbs);
std::string fish_completion(std::span<const VerbFacts> verbs);

/// The manual page `frame` with the flags of every verb in place of the line `.\" FLAGS`.
/// Throws Error (missing): there is no such line.
std::string manual_page(const std::string& frame, std::span<const VerbFacts> verbs);

}  // namespace longhand::cli
