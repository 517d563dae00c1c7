// Puts a grammar together rule by rule.
#pragma once

#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/sampling/grammar/grammar.h"
#include "engine/text/code_points.h"

namespace longhand {

using Sequence = std::vector<Symbol>;

class GrammarBuilder {
 public:
  /// The rule of that name, which may be defined later.
  Symbol named(std::string_view name);
  /// False if it has been defined before. Rules generated from here on are reported under this name.
  bool define(std::string_view name);
  void set_body(Symbol rule, std::span<const Sequence> alternatives);

  Symbol generated(std::span<const Sequence> alternatives);
  Symbol byte_set(const ByteSet& set);
  /// One character of the set.
  Symbol character(const CodePoints& normalised_set);
  /// `element` min to max times; max may be kNoLimit.
  Sequence repeated(const Sequence& element, std::uint32_t min, std::uint32_t max);

  /// Throws Error (grammar) for undefined rules or if `root` is missing.
  Grammar finish();

 private:
  Symbol new_rule(bool is_generated);
  Symbol counted(const Sequence& element, std::uint32_t min, std::uint32_t max);

  Grammar grammar_;
  std::unordered_map<std::string, std::uint32_t> by_name_;
  std::vector<bool> defined_;  // by rule
  std::unordered_map<ByteSet, std::uint32_t> byte_sets_;
  std::map<CodePoints, Symbol> characters_;
  std::uint32_t current_name_ = 0;
};

}  // namespace longhand
