// Alternatives that no text completes are taken out, so that nobody is led into them.
#include <algorithm>

#include "engine/sampling/grammar/grammar.h"

namespace longhand {
namespace {

// Which rules match a text at all. Walks every alternative once, stopping at a rule until that is known to.
std::vector<bool> productive_rules(const Grammar& grammar) {
  struct Place {
    std::uint32_t symbol, rule;
  };
  std::vector<bool> productive(grammar.rules.size(), false);
  std::vector<std::vector<Place>> waiting(grammar.rules.size());
  std::vector<Place> work;
  for (std::uint32_t rule = 0; rule < grammar.rules.size(); ++rule) {
    for (const std::uint32_t start : grammar.rules[rule].alternatives) work.push_back({start, rule});
  }
  while (!work.empty()) {
    const Place place = work.back();
    work.pop_back();
    const Symbol symbol = grammar.symbols[place.symbol];
    const Place next{place.symbol + 1, place.rule};
    if (symbol.kind == Symbol::Kind::end) {
      if (productive[place.rule]) continue;
      productive[place.rule] = true;
      work.insert(work.end(), waiting[place.rule].begin(), waiting[place.rule].end());
      continue;
    }
    const bool repeat = symbol.kind == Symbol::Kind::repeat;
    if (symbol.kind == Symbol::Kind::rule || repeat) {
      const std::uint32_t rule = repeat ? grammar.repeats[symbol.value].rule : symbol.value;
      const bool skipped = repeat && grammar.repeats[symbol.value].min == 0;
      if (skipped || productive[rule]) {
        work.push_back(next);
      } else {
        waiting[rule].push_back(next);
      }
    } else if (symbol.kind != Symbol::Kind::bytes || grammar.byte_sets[symbol.value].any()) {
      work.push_back(next);
    }
  }
  return productive;
}

}  // namespace

void prune(Grammar& grammar) {
  const std::vector<bool> productive = productive_rules(grammar);
  for (Grammar::Repeat& repeat : grammar.repeats) {
    if (repeat.min == 0 && !productive[repeat.rule]) repeat.max = 0;
  }
  const auto completes = [&](std::uint32_t start) {
    for (const Symbol* at = &grammar.symbols[start]; at->kind != Symbol::Kind::end; ++at) {
      if (at->kind == Symbol::Kind::rule && !productive[at->value]) return false;
      if (at->kind == Symbol::Kind::bytes && grammar.byte_sets[at->value].none()) return false;
      if (at->kind != Symbol::Kind::repeat) continue;
      const Grammar::Repeat& repeat = grammar.repeats[at->value];
      if (repeat.min > 0 && !productive[repeat.rule]) return false;
    }
    return true;
  };
  for (Grammar::Rule& rule : grammar.rules) {
    auto& all = rule.alternatives;
    all.erase(std::remove_if(all.begin(), all.end(), [&](std::uint32_t start) { return !completes(start); }),
              all.end());
  }
}

}  // namespace longhand
