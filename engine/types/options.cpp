#include "engine/types/options.h"

#include "ops/error.h"

namespace longhand {

std::string describe(const OptionRange& range) {
  if (range.above_least) return fmt::format("above {}, at most {}", range.least, range.most);
  return fmt::format("{}..{}", range.least, range.most);
}

void refuse_option(std::string_view name, std::string_view value, const OptionRange& range) {
  throw Error(Errc::range, fmt::format("{} is {}, must be {}", name, value, describe(range)));
}

}  // namespace longhand
