// What an architecture is, for people.
#pragma once

#include <string>
#include <string_view>

namespace longhand {

struct ArchitectureInfo {
  std::string_view name;     ///< general.architecture of its files
  std::string_view models;   ///< well-known ones
  std::string special;       ///< what sets it apart from Llama; empty: nothing
  std::string_view checked;  ///< what it was compared with
};

}  // namespace longhand
