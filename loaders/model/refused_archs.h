// Architectures that are known by name and not run.
#pragma once

#include <string_view>

namespace longhand {

struct RefusedArch {
  std::string_view name;  // general.architecture
  std::string_view why;   // what such a model is, or what is missing; continues a sentence
};
/// nullptr for all other names.
const RefusedArch* find_refused_arch(std::string_view name) noexcept;

}  // namespace longhand
