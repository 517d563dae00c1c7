// Deterministic automata over characters: the texts that a pattern, a length or a list of values leaves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampling/schema/pattern.h"
#include "engine/text/code_points.h"

namespace longhand {

struct TextAutomaton {
  struct Edge {
    CodePoints set;  // normalised; those of one state have no character in common
    std::uint32_t to = 0;
  };
  /// A run of characters of one set that ends the text.
  struct Run {
    CodePoints set;
    std::uint32_t min = 0, max = 0;
  };
  struct State {
    std::vector<Edge> edges{};
    bool accepts = false;
    std::optional<Run> run{};  // then there are no edges
  };
  std::vector<State> states;  // the first is the start; none: no text at all
  bool empty() const noexcept { return states.empty(); }
};

/// Beyond any of these a pattern, or several together, are refused as too large with Error (grammar).
inline constexpr std::size_t kMaxTextStates = 30000;
inline constexpr std::size_t kMaxTextWork = std::size_t{1} << 20;

/// Texts in which `pattern` is found somewhere. Each text is looked at once, whatever the pattern looks ahead
/// to.
TextAutomaton automaton_of(const Pattern& pattern);
/// Exactly these texts (UTF-8).
TextAutomaton automaton_of(const std::vector<std::string>& texts);
TextAutomaton any_text();
/// All texts in which `part` (UTF-8, not empty) is not found.
TextAutomaton texts_without(std::string_view part);

/// Texts of both. Neither may have runs, as for all of the following.
TextAutomaton both(const TextAutomaton& a, const TextAutomaton& b);
/// All other texts.
TextAutomaton complement(const TextAutomaton& a);
/// Texts of min to max characters; max may be kNoLimit. May have runs.
TextAutomaton limited(const TextAutomaton& a, std::uint32_t min, std::uint32_t max);
/// Without states that lead nowhere, and states of the same texts once.
TextAutomaton reduced(TextAutomaton a);

bool accepts(const TextAutomaton& a, std::string_view text);

}  // namespace longhand
