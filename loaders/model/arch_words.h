// What is special about an architecture, in words for people.
#pragma once

#include <string>

#include "loaders/model/arch.h"

namespace longhand {

/// "layer norms; attention and network side by side"; empty for what differs in nothing from Llama.
std::string words_of(const ArchSpec& arch);
/// What it was compared with, for people.
std::string_view checked_against(const ArchSpec& arch) noexcept;

}  // namespace longhand
