#include "engine/run/speculate/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "ops/error.h"

namespace longhand {
namespace {

[[noreturn]] void refuse(const std::string& difference) {
  throw Error(Errc::unsupported,
              "the draft model has another vocabulary than the model it guesses for: " + difference);
}

}  // namespace

void check_same_vocabulary(const Vocab& draft, const Vocab& target) {
  if (draft.kind != target.kind) refuse("it is of another kind");
  const std::size_t common = std::min(draft.tokens.size(), target.tokens.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (draft.tokens[i] != target.tokens[i])
      refuse(fmt::format("token {} is '{}' instead of '{}'", i, draft.tokens[i], target.tokens[i]));
  }
  const Vocab& longer = draft.tokens.size() > common ? draft : target;
  for (std::size_t i = common; i < longer.tokens.size(); ++i) {
    if (longer.types[i] != TokenType::unused)
      refuse(fmt::format("{} tokens instead of {}", draft.tokens.size(), target.tokens.size()));
  }
}

}  // namespace longhand
