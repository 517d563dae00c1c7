// Texts of a grammar: wherever it can go on, it goes where some bytes point.
#pragma once

#include <string>
#include <string_view>

#include "engine/sampling/grammar/grammar_matcher.h"

namespace longhand::fuzz {

struct Walk {
  std::string text;
  bool complete = false;  // the grammar can end here
};

/// Stops where nothing can follow, where an end is reached after `choices` are used up, or at `most` bytes.
inline Walk walk_grammar(GrammarMatcher& matcher, std::string_view choices, std::size_t most) {
  Walk walk;
  GrammarMatcher::State state = matcher.start();
  for (std::size_t i = 0; i < most; ++i) {
    const bool chosen = i < choices.size();
    if (!chosen && matcher.can_end(state)) break;
    // Printable bytes first when nothing chooses: they close what is open sooner than others.
    const unsigned from = chosen ? std::uint8_t(choices[i]) : '"';
    GrammarMatcher::State next = GrammarMatcher::kDead;
    for (unsigned step = 0; step < 256 && next == GrammarMatcher::kDead; ++step) {
      const auto byte = std::uint8_t((from + step) % 256);
      next = matcher.step(state, byte);
      if (next != GrammarMatcher::kDead) walk.text += char(byte);
    }
    if (next == GrammarMatcher::kDead) break;
    state = next;
  }
  walk.complete = matcher.can_end(state);
  return walk;
}

}  // namespace longhand::fuzz
