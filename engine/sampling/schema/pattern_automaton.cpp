// From a regular expression to an automaton.
//
// A state is a set of threads: a place in the expression, and what earlier look-ahead still asks of the text.
// What it asks is such a set again, so look-ahead and its negation cost no backtracking.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/sampling/grammar/grammar.h"
#include "engine/sampling/schema/pattern_network.h"
#include "engine/sampling/schema/text_automaton.h"
#include "ops/error.h"

namespace longhand {
namespace {

using Node = PatternNetwork::Node;
using Kind = Node::Kind;

enum class Before : std::uint8_t { nothing, word, other };
enum class After : std::uint8_t { nothing, word, other };

struct Demand {
  bool negative = false;
  std::uint32_t threads = 0;  // number of a set of threads that must (not) match
  auto operator<=>(const Demand&) const = default;
};
struct Thread {
  std::uint32_t node = 0;
  std::vector<Demand> demands{};  // sorted
  auto operator<=>(const Thread&) const = default;
};
using Threads = std::vector<Thread>;

constexpr std::uint32_t kNever = 0;   // no threads
constexpr std::uint32_t kAlways = 1;  // one that takes any text

class Subsets {
 public:
  explicit Subsets(const PatternNetwork& network) : network_(network) {
    sets_.push_back({});
    sets_.push_back({{network.any, {}}});
    numbers_ = {{sets_[0], kNever}, {sets_[1], kAlways}};
  }

  std::uint32_t number(Threads threads) {
    std::sort(threads.begin(), threads.end());
    Threads kept;
    for (Thread& thread : threads) {
      // One that asks for nothing more comes first and covers the others of its node.
      const bool covered = !kept.empty() && kept.back().node == thread.node &&
                           (kept.back().demands.empty() || kept.back() == thread);
      if (thread.node == network_.any && thread.demands.empty()) return kAlways;
      if (!covered) kept.push_back(std::move(thread));
    }
    const auto [entry, fresh] = numbers_.try_emplace(kept, std::uint32_t(sets_.size()));
    if (fresh) sets_.push_back(std::move(kept));
    return entry->second;
  }

  // After a character of class `symbol`.
  std::uint32_t advance(std::uint32_t set, Before before, std::uint32_t symbol) {
    if (set == kNever || set == kAlways) return set;
    const auto key = std::tuple{set, before, symbol};
    if (const auto known = steps_.find(key); known != steps_.end()) return known->second;
    Threads next;
    const After after = network_.is_word(symbol) ? After::word : After::other;
    for (const Thread& here : closure(set, before, after)) {
      const Node& node = network_.nodes[here.node];
      if (node.kind == Kind::set && !network_.holds(node.value, symbol)) continue;
      Thread there{node.kind == Kind::set ? node.next[0] : here.node, {}};
      if (advance_demands(here.demands, before, symbol, there.demands)) next.push_back(std::move(there));
    }
    return steps_[key] = number(std::move(next));
  }

  // Whether the text may end here.
  bool ends(std::uint32_t set, Before before) {
    if (set == kNever || set == kAlways) return set == kAlways;
    const Threads here = closure(set, before, After::nothing);
    return std::any_of(here.begin(), here.end(), [&](const Thread& thread) {
      return thread.node == network_.any &&
             std::all_of(thread.demands.begin(), thread.demands.end(), [&](const Demand& demand) {
               return ends(demand.threads, before) != demand.negative;
             });
    });
  }

 private:
  bool advance_demands(const std::vector<Demand>& from, Before before, std::uint32_t symbol,
                       std::vector<Demand>& to) {
    for (const Demand& demand : from) {
      const std::uint32_t next = advance(demand.threads, before, symbol);
      if (next == (demand.negative ? kAlways : kNever)) return false;
      if (next != kNever && next != kAlways) to.push_back({demand.negative, next});
    }
    std::sort(to.begin(), to.end());
    to.erase(std::unique(to.begin(), to.end()), to.end());
    return true;
  }

  static bool holds(Kind kind, Before before, After after) {
    const bool edge = (before == Before::word) != (after == After::word);
    if (kind == Kind::text_start) return before == Before::nothing;
    if (kind == Kind::text_end) return after == After::nothing;
    return kind == Kind::word_edge ? edge : !edge;
  }

  // Threads that stand before a character, or before any text.
  Threads closure(std::uint32_t set, Before before, After after) {
    Threads out;
    std::set<Thread> seen;
    std::vector<Thread> work(sets_[set].begin(), sets_[set].end());
    while (!work.empty()) {
      Thread thread = std::move(work.back());
      work.pop_back();
      spend(1 + thread.demands.size());
      if (!seen.insert(thread).second) continue;
      const Node& node = network_.nodes[thread.node];
      if (node.kind == Kind::set || node.kind == Kind::any) {
        out.push_back(std::move(thread));
        continue;
      }
      if (node.kind == Kind::look) {
        const Demand demand{node.value != 0, number({{node.next[1], {}}})};
        const auto at = std::lower_bound(thread.demands.begin(), thread.demands.end(), demand);
        if (at == thread.demands.end() || *at != demand) thread.demands.insert(at, demand);
        work.push_back({node.next[0], thread.demands});
        continue;
      }
      if (node.kind != Kind::split && !holds(node.kind, before, after)) continue;
      for (const std::uint32_t next : node.next) work.push_back({next, thread.demands});
    }
    return out;
  }

  void spend(std::size_t steps) {
    work_ += steps;
    if (work_ > kMaxTextWork) throw Error(Errc::grammar, "a pattern is too large for a grammar");
  }

  const PatternNetwork& network_;
  std::vector<Threads> sets_;
  std::map<Threads, std::uint32_t> numbers_;
  std::map<std::tuple<std::uint32_t, Before, std::uint32_t>, std::uint32_t> steps_;
  std::size_t work_ = 0;
};

}  // namespace

TextAutomaton automaton_of(const Pattern& pattern) {
  const PatternNetwork network(pattern);
  Subsets subsets(network);
  TextAutomaton out;
  std::map<std::pair<std::uint32_t, Before>, std::uint32_t> numbers;
  std::vector<std::pair<std::uint32_t, Before>> keys;
  const auto number = [&](std::uint32_t set, Before before) {
    const auto [entry, fresh] = numbers.try_emplace({set, before}, std::uint32_t(keys.size()));
    if (fresh) keys.emplace_back(set, before);
    if (keys.size() > kMaxTextStates) throw Error(Errc::grammar, "a pattern is too large for a grammar");
    return entry->second;
  };
  number(subsets.number({{network.start, {}}}), Before::nothing);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto [set, before] = keys[i];
    std::map<std::uint32_t, CodePoints> edges;
    for (std::uint32_t symbol = 0; symbol < network.symbols.size(); ++symbol) {
      const std::uint32_t next = subsets.advance(set, before, symbol);
      if (next == kNever) continue;
      const bool word = network.has_word_edges && network.is_word(symbol) && next != kAlways;
      CodePoints& all = edges[number(next, word ? Before::word : Before::other)];
      all.insert(all.end(), network.symbols[symbol].begin(), network.symbols[symbol].end());
    }
    TextAutomaton::State state{.accepts = subsets.ends(set, before)};
    for (auto& [to, all] : edges) state.edges.push_back({normalised(std::move(all)), to});
    out.states.push_back(std::move(state));
  }
  return reduced(std::move(out));
}

}  // namespace longhand
