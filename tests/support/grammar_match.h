// Whether a grammar accepts a whole text.
#pragma once

#include <string_view>

#include "engine/sampling/grammar/grammar_matcher.h"

namespace longhand::test {

inline bool matches(GrammarMatcher& matcher, std::string_view text) {
  GrammarMatcher::State state = matcher.start();
  for (const char c : text) state = matcher.step(state, std::uint8_t(c));
  return matcher.can_end(state);
}

}  // namespace longhand::test
