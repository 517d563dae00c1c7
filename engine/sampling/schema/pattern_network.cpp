#include "engine/sampling/schema/pattern_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/sampling/grammar/grammar.h"
#include "ops/error.h"

namespace longhand {

PatternNetwork::PatternNetwork(const Pattern& pattern) {
  sets_.push_back(word_characters());
  sets_.push_back(normalised({}, true));
  any = add({.kind = Node::Kind::any});
  const std::uint32_t inside = build(pattern, any);
  start = add({});
  const std::uint32_t skip = add({.kind = Node::Kind::set, .value = 1, .next = {start}});
  nodes[start].next = {inside, skip};
  find_symbols();
}

std::uint32_t PatternNetwork::add(Node node) {
  if (nodes.size() == kMaxNodes)
    throw Error(Errc::grammar, fmt::format("a pattern has more than {} places", kMaxNodes));
  nodes.push_back(std::move(node));
  return std::uint32_t(nodes.size() - 1);
}

// Recursion is bounded by the depth of groups.
std::uint32_t PatternNetwork::build(const Pattern& pattern, std::uint32_t next) {
  using Kind = Pattern::Kind;
  const auto anchor = [&](Node::Kind kind) { return add({.kind = kind, .next = {next}}); };
  switch (pattern.kind) {
    case Kind::sequence:
      for (auto part = pattern.parts.rbegin(); part != pattern.parts.rend(); ++part)
        next = build(*part, next);
      return next;
    case Kind::choice: {
      Node split;
      for (const Pattern& part : pattern.parts) split.next.push_back(build(part, next));
      return add(std::move(split));
    }
    case Kind::set: {
      const auto known = std::find(sets_.begin(), sets_.end(), pattern.set);
      const auto index = std::uint32_t(known - sets_.begin());
      if (known == sets_.end()) sets_.push_back(pattern.set);
      return add({.kind = Node::Kind::set, .value = index, .next = {next}});
    }
    case Kind::repeat:
      return build_repeat(pattern, next);
    case Kind::look_ahead:
    case Kind::no_look_ahead: {
      const std::uint32_t inside = build(pattern.parts.front(), any);
      const auto negative = std::uint32_t(pattern.kind == Kind::no_look_ahead ? 1 : 0);
      return add({.kind = Node::Kind::look, .value = negative, .next = {next, inside}});
    }
    case Kind::text_start:
      return anchor(Node::Kind::text_start);
    case Kind::text_end:
      return anchor(Node::Kind::text_end);
    case Kind::word_edge:
    case Kind::no_word_edge:
      has_word_edges = true;
      return anchor(pattern.kind == Kind::word_edge ? Node::Kind::word_edge : Node::Kind::no_word_edge);
  }
  return next;
}

std::uint32_t PatternNetwork::build_repeat(const Pattern& pattern, std::uint32_t next) {
  const Pattern& part = pattern.parts.front();
  if (pattern.max == kNoLimit) {
    const std::uint32_t loop = add({});
    const std::uint32_t again = build(part, loop);
    nodes[loop].next = {again, next};
    next = loop;
  } else {
    const std::uint32_t behind = next;
    for (std::uint32_t i = pattern.min; i < pattern.max; ++i) {
      const std::uint32_t copy = build(part, next);
      next = add({.next = {copy, behind}});
    }
  }
  for (std::uint32_t i = 0; i < pattern.min; ++i) {
    const std::size_t before = nodes.size();
    next = build(part, next);
    if (nodes.size() == before) break;  // copies of nothing
  }
  return next;
}

void PatternNetwork::find_symbols() {
  std::vector<std::uint32_t> bounds = {0};
  for (const CodePoints& set : sets_) {
    for (const auto& [first, last] : set) {
      bounds.push_back(first);
      bounds.push_back(last + 1);
    }
  }
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  constexpr std::size_t kMost = 1u << 21;
  if (bounds.size() * sets_.size() > kMost) throw Error(Errc::grammar, "a pattern has too many classes");
  std::vector<std::size_t> at(sets_.size(), 0);  // the first range of each set that does not end before
  std::map<std::vector<bool>, CodePoints> by_sets;
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    std::vector<bool> holds(sets_.size());
    for (std::size_t set = 0; set < sets_.size(); ++set) {
      const CodePoints& ranges = sets_[set];
      while (at[set] < ranges.size() && ranges[at[set]].second < bounds[i]) ++at[set];
      holds[set] = at[set] < ranges.size() && ranges[at[set]].first <= bounds[i];
    }
    if (holds[1]) by_sets[holds].emplace_back(bounds[i], bounds[i + 1] - 1);
  }
  held_.assign(sets_.size(), std::vector<bool>(by_sets.size()));
  for (auto& [holds, ranges] : by_sets) {
    for (std::size_t set = 0; set < sets_.size(); ++set) held_[set][symbols.size()] = holds[set];
    symbols.push_back(normalised(std::move(ranges)));
  }
}

}  // namespace longhand
