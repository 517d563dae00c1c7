#include "cli/models/split_files.h"

#include <fmt/format.h>

namespace longhand::cli {
namespace {

// The number in five digits; 0 where it is none.
int five_digits(std::string_view text) {
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    number = 10 * number + (c - '0');
  }
  return number;
}

}  // namespace

std::optional<SplitPart> split_part(std::string_view name) {
  constexpr std::string_view kShape = "-00000-of-00000.gguf";
  if (name.size() <= kShape.size()) return {};
  const std::string_view end = name.substr(name.size() - kShape.size());
  if (end[0] != '-' || end.substr(6, 4) != "-of-" || !end.ends_with(".gguf")) return {};
  const SplitPart part{name.substr(0, name.size() - kShape.size()), five_digits(end.substr(1, 5)),
                       five_digits(end.substr(10, 5))};
  if (part.number < 1 || part.number > part.count) return {};
  return part;
}

bool is_later_part(std::string_view name) {
  const auto part = split_part(name);
  return part && part->number > 1;
}

std::string name_of_part(const SplitPart& part, int number) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", part.stem, number, part.count);
}

}  // namespace longhand::cli
