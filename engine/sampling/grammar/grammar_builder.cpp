#include "engine/sampling/grammar/grammar_builder.h"

#include <fmt/format.h>

#include "ops/error.h"

namespace longhand {

Symbol GrammarBuilder::new_rule(bool is_generated) {
  const auto index = std::uint32_t(grammar_.rules.size());
  grammar_.rules.push_back({.alternatives = {}, .name = current_name_, .generated = is_generated});
  defined_.push_back(is_generated);
  return {Symbol::Kind::rule, index};
}

Symbol GrammarBuilder::named(std::string_view name) {
  const auto [entry, fresh] = by_name_.try_emplace(std::string(name), 0);
  if (fresh) {
    entry->second = new_rule(false).value;
    grammar_.rules.back().name = std::uint32_t(grammar_.names.size());
    grammar_.names.emplace_back(name);
  }
  return {Symbol::Kind::rule, entry->second};
}

bool GrammarBuilder::define(std::string_view name) {
  const std::uint32_t rule = named(name).value;
  current_name_ = grammar_.rules[rule].name;
  const bool fresh = !defined_[rule];
  defined_[rule] = true;
  return fresh;
}

void GrammarBuilder::set_body(Symbol rule, std::span<const Sequence> alternatives) {
  for (const Sequence& alternative : alternatives) {
    if (grammar_.symbols.size() + alternative.size() >= kMaxGrammarSymbols) {
      throw Error(Errc::grammar, fmt::format("grammar rule \"{}\": the grammar has more than {} symbols",
                                             grammar_.names[current_name_], kMaxGrammarSymbols));
    }
    grammar_.rules[rule.value].alternatives.push_back(std::uint32_t(grammar_.symbols.size()));
    grammar_.symbols.insert(grammar_.symbols.end(), alternative.begin(), alternative.end());
    grammar_.symbols.push_back({});
  }
}

Symbol GrammarBuilder::generated(std::span<const Sequence> alternatives) {
  const Symbol rule = new_rule(true);
  set_body(rule, alternatives);
  return rule;
}

Symbol GrammarBuilder::byte_set(const ByteSet& set) {
  const auto index = std::uint32_t(grammar_.byte_sets.size());
  const auto [entry, fresh] = byte_sets_.try_emplace(set, index);
  if (fresh) grammar_.byte_sets.push_back(set);
  return {Symbol::Kind::bytes, entry->second};
}

Symbol GrammarBuilder::character(const CodePoints& normalised_set) {
  if (const auto known = characters_.find(normalised_set); known != characters_.end()) return known->second;
  ByteSet single;
  std::vector<Sequence> alternatives;
  for (const Utf8Range& range : utf8_ranges(normalised_set)) {
    Sequence sequence;
    for (std::size_t i = 0; i < std::size_t(range.length); ++i) {
      ByteSet set;
      for (unsigned b = range.bytes[i].first; b <= range.bytes[i].second; ++b) set.set(b);
      if (range.length == 1) {
        single |= set;
      } else {
        sequence.push_back(byte_set(set));
      }
    }
    if (range.length > 1) alternatives.push_back(std::move(sequence));
  }
  if (single.any() || alternatives.empty()) alternatives.push_back({byte_set(single)});
  const bool plain = alternatives.size() == 1 && alternatives.front().size() == 1;
  const Symbol symbol = plain ? alternatives.front().front() : generated(alternatives);
  characters_.emplace(normalised_set, symbol);
  return symbol;
}

// A rule of its own, for the matcher returns to the place of the repetition after each copy.
Symbol GrammarBuilder::counted(const Sequence& element, std::uint32_t min, std::uint32_t max) {
  const bool rule = element.size() == 1 && element.front().kind == Symbol::Kind::rule;
  const Symbol one = rule ? element.front() : generated({&element, 1});
  grammar_.repeats.push_back({one.value, min, max});
  return {Symbol::Kind::repeat, std::uint32_t(grammar_.repeats.size() - 1)};
}

// x{2,} = x x R with R ::= x R | ;  x{2,4} = x x R2 with R2 ::= x R1 | and R1 ::= x | : optional copies nest,
// so that n of them are n ways to go on and not 2^n. Many copies are counted instead.
Sequence GrammarBuilder::repeated(const Sequence& element, std::uint32_t min, std::uint32_t max) {
  constexpr std::uint32_t kCopies = 32;
  if (max == 0 || element.empty()) return {};
  if (min > kCopies || (max != kNoLimit && max > kCopies)) return {counted(element, min, max)};
  if (element.size() > 1 && max > 1) return repeated({generated({&element, 1})}, min, max);
  Sequence out;
  for (std::uint32_t i = 0; i < min; ++i) out.insert(out.end(), element.begin(), element.end());
  const auto optional_then = [&](const Sequence& rest) {
    Sequence taken = element;
    taken.insert(taken.end(), rest.begin(), rest.end());
    return std::vector<Sequence>{taken, {}};
  };
  if (max == kNoLimit) {
    const Symbol loop = new_rule(true);
    set_body(loop, optional_then({loop}));
    out.push_back(loop);
    return out;
  }
  Sequence rest;
  for (std::uint32_t i = min; i < max; ++i) rest = {generated(optional_then(rest))};
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

Grammar GrammarBuilder::finish() {
  const auto root = by_name_.find("root");
  if (root == by_name_.end()) throw Error(Errc::grammar, "grammar: there is no rule \"root\"");
  for (std::size_t i = 0; i < defined_.size(); ++i) {
    if (defined_[i]) continue;
    throw Error(Errc::grammar, fmt::format("grammar: rule \"{}\" is used but not defined",
                                           grammar_.names[grammar_.rules[i].name]));
  }
  grammar_.root = root->second;
  return std::move(grammar_);
}

}  // namespace longhand
