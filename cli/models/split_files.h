// Which files are parts of a split model, by their names: "-00002-of-00003.gguf".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace longhand::cli {

struct SplitPart {
  std::string_view stem;
  int number = 1, count = 1;  // from 1
};

/// What the name says; nothing for a file that is a whole model.
std::optional<SplitPart> split_part(std::string_view name);

/// Whether the name is that of a part behind the first.
bool is_later_part(std::string_view name);

/// The name of part `number` of the model that `part` belongs to.
std::string name_of_part(const SplitPart& part, int number);

}  // namespace longhand::cli
