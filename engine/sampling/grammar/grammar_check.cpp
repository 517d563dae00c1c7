// Left recursion: a rule that can begin with itself would be entered for ever without reading a byte.
#include <fmt/format.h>

#include "engine/sampling/grammar/grammar.h"
#include "ops/error.h"

namespace longhand {
namespace {

using Edges = std::vector<std::vector<std::uint32_t>>;

// For each rule those it may begin with. Walks every symbol that can come first at most once: behind a rule
// only when that turns out to match the empty text.
Edges leftmost_rules(const Grammar& grammar) {
  struct Place {
    std::uint32_t symbol, rule;
  };
  Edges first(grammar.rules.size());
  std::vector<std::vector<Place>> behind(grammar.rules.size());
  std::vector<bool> nullable(grammar.rules.size(), false);
  std::vector<Place> work;
  for (std::uint32_t rule = 0; rule < grammar.rules.size(); ++rule) {
    for (const std::uint32_t start : grammar.rules[rule].alternatives) work.push_back({start, rule});
  }
  while (!work.empty()) {
    const Place place = work.back();
    work.pop_back();
    const Symbol symbol = grammar.symbols[place.symbol];
    if (symbol.kind == Symbol::Kind::rule) {
      const Place next{place.symbol + 1, place.rule};
      // A repetition ends in itself; if its element is empty that reads nothing and adds nothing.
      const bool loop = symbol.value == place.rule && grammar.rules[place.rule].generated;
      if (!loop) first[place.rule].push_back(symbol.value);
      behind[symbol.value].push_back(next);
      if (nullable[symbol.value]) work.push_back(next);
    } else if (symbol.kind == Symbol::Kind::repeat) {
      const Grammar::Repeat& repeat = grammar.repeats[symbol.value];
      const Place next{place.symbol + 1, place.rule};
      first[place.rule].push_back(repeat.rule);
      behind[repeat.rule].push_back(next);
      if (nullable[repeat.rule] || repeat.min == 0) work.push_back(next);
    } else if (symbol.kind == Symbol::Kind::end && !nullable[place.rule]) {
      nullable[place.rule] = true;
      work.insert(work.end(), behind[place.rule].begin(), behind[place.rule].end());
    }
  }
  return first;
}

}  // namespace

void check_recursion(const Grammar& grammar) {
  const Edges first = leftmost_rules(grammar);
  enum class Mark : std::uint8_t { fresh, open, done };
  std::vector<Mark> marks(grammar.rules.size(), Mark::fresh);
  std::vector<int> depths(grammar.rules.size(), 0);  // longest chain of named rules from here
  struct Visit {
    std::uint32_t rule;
    std::size_t edge;
  };
  const auto name_of = [&](std::uint32_t rule) { return grammar.names[grammar.rules[rule].name]; };
  std::vector<Visit> path;
  for (std::uint32_t start = 0; start < grammar.rules.size(); ++start) {
    if (marks[start] == Mark::fresh) path.push_back({start, 0});
    while (!path.empty()) {
      const std::uint32_t rule = path.back().rule;
      marks[rule] = Mark::open;
      if (path.back().edge < first[rule].size()) {
        const std::uint32_t next = first[rule][path.back().edge++];
        if (marks[next] == Mark::open) {
          throw Error(Errc::grammar, fmt::format("grammar: rule \"{}\" is left recursive", name_of(next)));
        }
        if (marks[next] == Mark::fresh) path.push_back({next, 0});
        continue;
      }
      for (const std::uint32_t next : first[rule]) depths[rule] = std::max(depths[rule], depths[next]);
      depths[rule] += grammar.rules[rule].generated ? 0 : 1;
      if (depths[rule] > kMaxGrammarLeftmostRules) {
        throw Error(Errc::grammar,
                    fmt::format("grammar: rule \"{}\" begins with a chain of more than {} rules",
                                name_of(rule), kMaxGrammarLeftmostRules));
      }
      marks[rule] = Mark::done;
      path.pop_back();
    }
  }
}

}  // namespace longhand
