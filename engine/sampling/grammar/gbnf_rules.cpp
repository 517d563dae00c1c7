#include "engine/sampling/grammar/gbnf_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/sampling/grammar/gbnf_text.h"

namespace longhand {
namespace {

struct Builtin {
  std::string_view name, body, needs;  // needs: other builtins, space separated
};
constexpr Builtin kBuiltins[] = {
    {"ws", R"(| " " | "\n" [ \t]{0,20})", ""},
    {"char",
     R"([^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" ([0-9A-Ca-cEFef] hex hex hex | )"
     R"([Dd] ([0-7] hex hex | [89ABab] hex hex "\\u" [Dd] [C-Fc-f] hex hex))))",
     "hex"},
    {"hex", "[0-9A-Fa-f]", ""},
    {"string", R"("\"" char* "\"")", "char"},
    {"natural", R"("0" | [1-9] [0-9]{0,18})", ""},
    {"integer", R"("-"? natural)", "natural"},
    {"positive-number", R"(natural ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?)", "natural"},
    {"number", R"("-"? positive-number)", "positive-number"},
    {"boolean", R"("true" | "false")", ""},
    {"null", R"("null")", ""},
    {"value", "object | array | string | number | boolean | null", "object array string number boolean null"},
    {"object", R"("{" ws (member ("," ws member)* ws)? "}")", "member ws"},
    {"member", R"(string ":" ws value)", "string ws value"},
    {"array", R"("[" ws (value ("," ws value)* ws)? "]")", "value ws"},
};

}  // namespace

std::string GbnfRules::builtin(std::string_view name) {
  const auto* found = std::find_if(std::begin(kBuiltins), std::end(kBuiltins),
                                   [&](const Builtin& b) { return b.name == name; });
  if (!builtins_.insert(found->name).second) return std::string(name);
  define(std::string(found->name), std::string(found->body));
  for (std::string_view needs = found->needs; !needs.empty();) {
    const std::string_view next = needs.substr(0, needs.find(' '));
    builtin(next);
    needs.remove_prefix(std::min(next.size() + 1, needs.size()));
  }
  return std::string(name);
}

// No builtin begins with "schema" or "set-char", as hints do.
std::string GbnfRules::reserve(std::string_view hint) {
  std::string name;
  for (const char c : hint.substr(0, 48)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain ? c : '-';
  }
  const int count = ++names_[name];
  return count == 1 ? name : fmt::format("{}--{}", name, count);
}

std::string GbnfRules::add(std::string_view hint, std::string body) {
  std::string name = reserve(hint);
  define(name, std::move(body));
  return name;
}

std::string GbnfRules::json_character(const CodePoints& set) {
  if (set == normalised({}, true)) return builtin("char");
  const auto [entry, fresh] = characters_.try_emplace(set);
  if (!fresh) return entry->second;
  constexpr std::pair<char, std::string_view> kEscaped[] = {
      {'"', R"("\\\"")"}, {'\\', R"("\\\\")"}, {'\b', R"("\\b")"}, {'\f', R"("\\f")"},
      {'\n', R"("\\n")"}, {'\r', R"("\\r")"},  {'\t', R"("\\t")"}};
  CodePoints outside = normalised(set, true);
  for (const auto& range : CodePoints{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}}) outside.push_back(range);
  const CodePoints plain = normalised(outside, true);
  std::string text = plain.empty() ? "" : gbnf_class(plain);
  int parts = plain.empty() ? 0 : 1;
  for (const auto& [c, escape] : kEscaped) {
    const auto code = std::uint32_t(c);
    const bool held = std::any_of(set.begin(), set.end(), [&](const auto& range) {
      return range.first <= code && code <= range.second;
    });
    if (held) text += (parts++ == 0 ? "" : " | ") + std::string(escape);
  }
  constexpr std::size_t kShort = 24;
  if (parts > 1 || text.size() > kShort) text = add("set-char", text);
  return entry->second = text;
}

// A state is a rule, unless it is but a step on the way to the next one.
std::string GbnfRules::add_texts(const TextAutomaton& texts, std::string_view hint, bool raw) {
  const auto& states = texts.states;
  const auto character = [&](const CodePoints& set) { return raw ? gbnf_class(set) : json_character(set); };
  std::vector<int> into(states.size(), 0);
  into[0] = 2;
  for (const auto& state : states) {
    for (const auto& edge : state.edges) ++into[edge.to];
  }
  const auto is_step = [&](std::uint32_t i) {
    return into[i] == 1 && states[i].edges.size() == 1 && !states[i].accepts;
  };
  std::vector<std::string> names(states.size());
  for (std::uint32_t i = 0; i < states.size(); ++i) {
    if (!is_step(i)) names[i] = reserve(std::string(hint) + "-text");
  }
  for (std::uint32_t i = 0; i < states.size(); ++i) {
    if (is_step(i)) continue;
    const auto& state = states[i];
    std::string body;
    const auto next = [&](const std::string& alternative) {
      body += (body.empty() ? "" : " | ") + alternative;
    };
    if (state.run) {
      const std::string one = character(state.run->set);
      next(one.empty() ? "\"\"" : gbnf_repeat(one, state.run->min, state.run->max));
    }
    for (const auto& edge : state.edges) {
      std::string way = character(edge.set);
      bool possible = !way.empty();
      std::uint32_t to = edge.to;
      for (; is_step(to); to = states[to].edges[0].to) {
        const std::string step = character(states[to].edges[0].set);
        possible = possible && !step.empty();
        way += " " + step;
      }
      if (possible) next(way + " " + names[to]);
    }
    if (state.accepts) next("\"\"");
    define(names[i], body.empty() ? std::string(kNothing) : body);
  }
  return names[0];
}

std::string GbnfRules::text(std::string_view start) const {
  std::string text = fmt::format("root ::= {}\n", start);
  for (const auto& [name, body] : rules_) text += fmt::format("{} ::= {}\n", name, body);
  return text;
}

}  // namespace longhand
