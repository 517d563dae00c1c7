#include "engine/grammar/gbnf_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace longhand {
namespace {

struct Builtin {
  std::string_view name, body, needs;  // needs: other builtins, space separated
};
constexpr Builtin kBuiltins[] = {
    {"ws", R"(| " " | "\n" [ \t]{0,20})", ""},
    {"char",
     R"([^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" ([0-9A-Ca-cEFef] hex hex hex | [Dd] [0-7] hex hex)))",
     "hex"},
    {"hex", "[0-9A-Fa-f]", ""},
    {"string", R"("\"" char* "\"")", "char"},
    {"natural", R"("0" | [1-9] [0-9]{0,15})", ""},
    {"integer", R"("-"? natural)", "natural"},
    {"positive-number", R"(natural ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?)", "natural"},
    {"number", R"("-"? positive-number)", "positive-number"},
    {"boolean", R"("true" | "false")", ""},
    {"null", R"("null")", ""},
    {"value", "object | array | string | number | boolean | null", "object array string number boolean null"},
    {"object", R"("{" ws (member ("," ws member)* ws)? "}")", "member ws"},
    {"member", R"(string ":" ws value)", "string ws value"},
    {"array", R"("[" ws (value ("," ws value)* ws)? "]")", "value ws"},
    {"date", R"([0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]))", ""},
    {"time",
     R"(([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,9})? )"
     R"(("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]))",
     ""},
    {"date-time", R"(date "T" time)", "date time"},
    {"uuid", R"(hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12})", "hex"},
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

// No builtin has a dash after "root" or "ref", with which hints begin.
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

std::string GbnfRules::text(std::string_view start) const {
  std::string text = fmt::format("root ::= {}\n", start);
  for (const auto& [name, body] : rules_) text += fmt::format("{} ::= {}\n", name, body);
  return text;
}

}  // namespace longhand
