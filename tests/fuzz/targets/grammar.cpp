// Grammars, from any text, and texts that follow them: "GRAMMAR\0TEXT".
#include "engine/sampling/grammar/grammar.h"

#include <vector>

#include "engine/sampling/grammar/grammar_matcher.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/grammar_walk.h"

namespace longhand::fuzz {
namespace {

// Forgetting what was learnt changes nothing that follows.
void check_forgetting(GrammarMatcher& matcher, std::string_view text) {
  GrammarMatcher::State state = matcher.start();
  std::vector<bool> ends;
  for (const char c : text) {
    state = matcher.step(state, std::uint8_t(c));
    ends.push_back(matcher.can_end(state));
  }
  state = matcher.start();
  for (std::size_t i = 0; i < text.size(); ++i) {
    state = matcher.forget(state);
    state = matcher.step(state, std::uint8_t(text[i]));
    check(matcher.can_end(state) == ends[i], "a matcher that forgets goes the same way");
  }
}

}  // namespace

void run(std::string_view input) {
  Input in(input);
  const std::string_view grammar = in.until('\0');
  constexpr std::size_t kMostText = 64;
  const std::string_view text = in.rest().substr(0, kMostText);
  accepts([&] {
    GrammarMatcher matcher(parse_gbnf(grammar));
    check_forgetting(matcher, text);
    const Walk walk = walk_grammar(matcher, text, kMostText);
    if (!walk.text.empty()) check_forgetting(matcher, walk.text);
  });
}

}  // namespace longhand::fuzz
