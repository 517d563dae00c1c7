// A grammar in the making: rules by name, and those that JSON is made of.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/sampling/schema/text_automaton.h"
#include "engine/text/code_points.h"

namespace longhand {

class GbnfRules {
 public:
  /// Name of a rule for a part of JSON: ws, char, string, integer, positive-number, number, boolean, null,
  /// value. It and what it needs are in the grammar from the first call on.
  std::string builtin(std::string_view name);
  /// A name that is free, close to `hint`.
  std::string reserve(std::string_view hint);
  void define(std::string name, std::string body) { rules_.emplace_back(std::move(name), std::move(body)); }
  /// The name of a new rule, close to `hint`.
  std::string add(std::string_view hint, std::string body);
  /// One character of `set` (not empty) as it is written inside a JSON string, as a GBNF element; "" if JSON
  /// has no short way of writing any. Characters that JSON escapes are expected escaped.
  std::string json_character(const CodePoints& set);
  /// The name of a rule for the texts of an automaton (not empty) as they are written inside a JSON string.
  std::string json_texts(const TextAutomaton& texts, std::string_view hint) {
    return add_texts(texts, hint, false);
  }
  /// The same for the texts as they are.
  std::string raw_texts(const TextAutomaton& texts, std::string_view hint) {
    return add_texts(texts, hint, true);
  }
  std::size_t size() const noexcept { return rules_.size(); }
  /// The grammar that begins with rule `start`.
  std::string text(std::string_view start) const;

 private:
  std::string add_texts(const TextAutomaton& texts, std::string_view hint, bool raw);
  std::vector<std::pair<std::string, std::string>> rules_;  // name and body
  std::map<std::string, int> names_;                        // uses of a name
  std::set<std::string_view> builtins_;
  std::map<CodePoints, std::string> characters_;
};

}  // namespace longhand
