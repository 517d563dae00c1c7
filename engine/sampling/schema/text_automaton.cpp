#include "engine/sampling/schema/text_automaton.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/sampling/grammar/grammar.h"
#include "ops/error.h"

namespace longhand {
namespace {

using State = TextAutomaton::State;
using Edge = TextAutomaton::Edge;
constexpr std::uint32_t kNone = 0xFFFFFFFF;

[[noreturn]] void too_large() {
  throw Error(Errc::grammar, "patterns, lengths and values together are too large for a grammar");
}

CodePoints intersection(const CodePoints& a, const CodePoints& b) {
  CodePoints out;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const std::uint32_t first = std::max(a[i].first, b[j].first);
    const std::uint32_t last = std::min(a[i].second, b[j].second);
    if (first <= last) out.emplace_back(first, last);
    ++(a[i].second < b[j].second ? i : j);
  }
  return out;
}

CodePoints joined(CodePoints a, const CodePoints& b) {
  a.insert(a.end(), b.begin(), b.end());
  return normalised(std::move(a));
}

CodePoints all_edges(const State& state) {
  CodePoints all;
  for (const Edge& edge : state.edges) all.insert(all.end(), edge.set.begin(), edge.set.end());
  return normalised(std::move(all));
}

bool contains(const CodePoints& set, std::uint32_t c) {
  const auto after = std::upper_bound(set.begin(), set.end(), std::pair{c, kMaxCodePoint + 1});
  return after != set.begin() && std::prev(after)->second >= c;
}

// States are made when they are first named by a key.
template <typename Key>
struct Maker {
  TextAutomaton out;
  std::map<Key, std::uint32_t> numbers;
  std::vector<Key> todo;
  std::size_t work = 0;

  std::uint32_t number(const Key& key) {
    const auto [entry, fresh] = numbers.try_emplace(key, std::uint32_t(out.states.size()));
    if (fresh) {
      if (out.states.size() == kMaxTextStates) too_large();
      out.states.emplace_back();
      todo.push_back(key);
    }
    return entry->second;
  }
  void spend(std::size_t steps) {
    work += steps;
    if (work > kMaxTextWork) too_large();
  }
};

// Which states can still reach an accepting one.
std::vector<bool> live_states(const TextAutomaton& a) {
  std::vector<std::vector<std::uint32_t>> into(a.states.size());
  std::vector<bool> live(a.states.size(), false);
  std::vector<std::uint32_t> work;
  for (std::uint32_t i = 0; i < a.states.size(); ++i) {
    for (const Edge& edge : a.states[i].edges) into[edge.to].push_back(i);
    if (a.states[i].accepts || a.states[i].run) {
      live[i] = true;
      work.push_back(i);
    }
  }
  while (!work.empty()) {
    const std::uint32_t state = work.back();
    work.pop_back();
    for (const std::uint32_t before : into[state]) {
      if (live[before]) continue;
      live[before] = true;
      work.push_back(before);
    }
  }
  return live;
}

// `a` with state i as class_of[i], where kNone is none. The start is renumbered to 0.
TextAutomaton renumbered(const TextAutomaton& a, const std::vector<std::uint32_t>& class_of) {
  TextAutomaton out;
  if (a.empty() || class_of[0] == kNone) return out;
  std::map<std::uint32_t, std::uint32_t> numbers;
  std::vector<std::uint32_t> first;  // a state of each class
  const auto number = [&](std::uint32_t state) {
    const auto [entry, fresh] = numbers.try_emplace(class_of[state], std::uint32_t(first.size()));
    if (fresh) first.push_back(state);
    return entry->second;
  };
  number(0);
  for (std::size_t i = 0; i < first.size(); ++i) {
    const State& from = a.states[first[i]];
    State to{.accepts = from.accepts, .run = from.run};
    std::map<std::uint32_t, CodePoints> sets;
    for (const Edge& edge : from.edges) {
      if (class_of[edge.to] == kNone) continue;
      CodePoints& set = sets[number(edge.to)];
      set = set.empty() ? edge.set : joined(std::move(set), edge.set);
    }
    for (auto& [target, set] : sets) to.edges.push_back({std::move(set), target});
    out.states.push_back(std::move(to));
  }
  return out;
}

// Splits classes until the states of one cannot be told apart; gives up on large automata, which are only
// larger for that.
TextAutomaton merged(const TextAutomaton& a) {
  constexpr std::size_t kMost = 300;
  std::vector<std::uint32_t> class_of(a.states.size(), 0);
  std::size_t classes = 0;
  while (a.states.size() <= kMost) {
    std::map<std::pair<std::pair<bool, std::uint32_t>, std::map<std::uint32_t, CodePoints>>, std::uint32_t>
        seen;
    std::vector<std::uint32_t> next(a.states.size());
    for (std::size_t i = 0; i < a.states.size(); ++i) {
      std::map<std::uint32_t, CodePoints> sets;
      for (const Edge& edge : a.states[i].edges)
        sets[class_of[edge.to]] = joined(std::move(sets[class_of[edge.to]]), edge.set);
      const auto kind = std::pair{a.states[i].accepts, class_of[i]};
      next[i] = seen.try_emplace({kind, std::move(sets)}, std::uint32_t(seen.size())).first->second;
    }
    class_of = std::move(next);
    if (seen.size() == classes) return renumbered(a, class_of);
    classes = seen.size();
  }
  return a;
}

}  // namespace

TextAutomaton any_text() {
  TextAutomaton out;
  out.states.push_back({.edges = {{normalised({}, true), 0}}, .accepts = true});
  return out;
}

TextAutomaton texts_without(std::string_view part) {
  Pattern pattern;
  while (const auto c = take_utf8(part))
    pattern.parts.push_back({.kind = Pattern::Kind::set, .set = {{*c, *c}}});
  return complement(automaton_of(pattern));
}

TextAutomaton reduced(TextAutomaton a) {
  const std::vector<bool> live = live_states(a);
  std::vector<std::uint32_t> names(a.states.size(), kNone);
  bool runs = false;
  for (std::uint32_t i = 0; i < a.states.size(); ++i) {
    if (live[i]) names[i] = i;
    runs = runs || a.states[i].run;
  }
  a = renumbered(a, names);
  return runs ? a : merged(a);
}

TextAutomaton automaton_of(const std::vector<std::string>& texts) {
  TextAutomaton out;
  std::vector<std::map<std::uint32_t, std::uint32_t>> next(1);
  std::vector<bool> ends(1, false);
  for (const std::string& text : texts) {
    std::uint32_t at = 0;
    for (std::string_view rest = text; !rest.empty();) {
      const auto c = take_utf8(rest);
      if (!c) throw Error(Errc::grammar, "a value is no UTF-8");
      const auto [entry, fresh] = next[at].try_emplace(*c, std::uint32_t(next.size()));
      at = entry->second;
      if (fresh) {
        if (next.size() == kMaxTextStates) too_large();
        next.emplace_back();
        ends.push_back(false);
      }
    }
    ends[at] = true;
  }
  if (texts.empty()) return out;
  for (std::size_t i = 0; i < next.size(); ++i) {
    State state{.accepts = ends[i]};
    for (const auto& [c, to] : next[i]) state.edges.push_back({{{c, c}}, to});
    out.states.push_back(std::move(state));
  }
  return out;
}

TextAutomaton both(const TextAutomaton& a, const TextAutomaton& b) {
  if (a.empty() || b.empty()) return {};
  Maker<std::pair<std::uint32_t, std::uint32_t>> maker;
  maker.number({0, 0});
  while (!maker.todo.empty()) {
    const auto key = maker.todo.back();
    maker.todo.pop_back();
    const std::uint32_t here = maker.numbers[key];
    const State& x = a.states[key.first];
    const State& y = b.states[key.second];
    std::vector<Edge> edges;
    for (const Edge& left : x.edges) {
      for (const Edge& right : y.edges) {
        maker.spend(1 + left.set.size() + right.set.size());
        CodePoints set = intersection(left.set, right.set);
        if (!set.empty()) edges.push_back({std::move(set), maker.number({left.to, right.to})});
      }
    }
    maker.out.states[here] = {.edges = std::move(edges), .accepts = x.accepts && y.accepts};
  }
  return reduced(std::move(maker.out));
}

TextAutomaton complement(const TextAutomaton& a) {
  if (a.empty()) return any_text();
  TextAutomaton out = a;
  const auto rest = std::uint32_t(out.states.size());
  out.states.push_back(any_text().states.front());
  out.states.back().edges.front().to = rest;
  for (std::uint32_t i = 0; i < rest; ++i) {
    State& state = out.states[i];
    state.accepts = !state.accepts;
    CodePoints others = normalised(all_edges(state), true);
    if (!others.empty()) state.edges.push_back({std::move(others), rest});
  }
  return reduced(std::move(out));
}

TextAutomaton limited(const TextAutomaton& a, std::uint32_t min, std::uint32_t max) {
  if (a.empty() || min > max) return {};
  Maker<std::pair<std::uint32_t, std::uint32_t>>
      maker;  // state of a, characters read (at most min without max)
  maker.number({0, 0});
  while (!maker.todo.empty()) {
    const auto [state, read] = maker.todo.back();
    maker.todo.pop_back();
    const std::uint32_t here = maker.numbers[{state, read}];
    const State& from = a.states[state];
    const bool loop = from.edges.size() == 1 && from.edges[0].to == state && from.accepts;
    if (loop && max != kNoLimit) {
      maker.out.states[here].run = {from.edges[0].set, read < min ? min - read : 0, max - read};
      continue;
    }
    maker.out.states[here].accepts = from.accepts && read >= min;
    if (read == max) continue;
    std::vector<Edge> edges;
    for (const Edge& edge : from.edges) {
      maker.spend(1 + edge.set.size());
      const std::uint32_t next = max == kNoLimit ? std::min(read + 1, min) : read + 1;
      edges.push_back({edge.set, maker.number({edge.to, next})});
    }
    maker.out.states[here].edges = std::move(edges);
  }
  return reduced(std::move(maker.out));
}

bool accepts(const TextAutomaton& a, std::string_view text) {
  if (a.empty()) return false;
  std::uint32_t at = 0;
  while (!text.empty()) {
    const auto c = take_utf8(text);
    if (!c) return false;
    const auto& edges = a.states[at].edges;
    const auto edge =
        std::find_if(edges.begin(), edges.end(), [&](const Edge& e) { return contains(e.set, *c); });
    if (edge == edges.end()) return false;
    at = edge->to;
  }
  return a.states[at].accepts;
}

}  // namespace longhand
