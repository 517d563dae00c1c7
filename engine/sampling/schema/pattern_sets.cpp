#include "engine/sampling/schema/pattern_sets.h"

#include <algorithm>

#include "engine/sampling/schema/pattern.h"
#include "engine/text/code_set.h"
#include "engine/text/unicode.h"

namespace longhand {
namespace {

const CodePoints kDigits = {{'0', '9'}};
const CodePoints kSpace = {{9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                           {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                           {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};

struct CasePair {
  std::uint32_t upper, lower;
};
std::vector<CasePair> find_case_pairs() {
  std::vector<CasePair> pairs;
  for (std::uint32_t c = 0; c < 0x1F000; ++c) {
    const std::uint32_t lower = to_lower(char32_t(c));
    if (lower != c) pairs.push_back({c, lower});
  }
  return pairs;
}

constexpr std::pair<std::string_view, std::string_view> kLongNames[] = {
    {"Letter", "L"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"Format", "Cf"},
    {"Unassigned", "Cn"},
    {"Private_Use", "Co"},
    // Close to the derived properties of these names.
    {"Alphabetic", "L"},
    {"Alpha", "L"},
    {"Uppercase", "Lu"},
    {"Lowercase", "Ll"},
};

}  // namespace

CodePoints word_characters() { return {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}; }

std::optional<CodePoints> escape_set(char letter) {
  const bool inverted = letter == 'D' || letter == 'W' || letter == 'S';
  if (letter == 'd' || letter == 'D') return normalised(kDigits, inverted);
  if (letter == 'w' || letter == 'W') return normalised(word_characters(), inverted);
  if (letter == 's' || letter == 'S') return normalised(kSpace, inverted);
  return std::nullopt;
}

CodePoints dot_set() { return normalised({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}, true); }

std::optional<CodePoints> property_set(std::string_view name) {
  for (const std::string_view prefix : {"gc=", "General_Category="}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  if (name == "Any") return normalised({}, true);
  if (name == "ASCII") return CodePoints{{0, 0x7F}};
  if (name == "White_Space" || name == "space") return escape_set('s');
  for (const auto& [long_name, short_name] : kLongNames) {
    if (name == long_name) name = short_name;
  }
  const CategoryMask mask = category_mask(name);
  if (mask == 0) return std::nullopt;
  CodePoints set;
  const CodeSet characters = CodeSet::of_categories(mask);
  for (const CodeRange& range : characters.ranges()) set.emplace_back(range.first, range.last);
  return normalised(std::move(set));
}

CodePoints case_folded(CodePoints set) {
  static const std::vector<CasePair> kPairs = find_case_pairs();
  const auto contains = [&](std::uint32_t c) {
    const auto after = std::upper_bound(set.begin(), set.end(), std::pair{c, kMaxCodePoint + 1});
    return after != set.begin() && std::prev(after)->second >= c;
  };
  CodePoints added;
  for (const CasePair& pair : kPairs) {
    if (contains(pair.upper)) added.emplace_back(pair.lower, pair.lower);
    if (contains(pair.lower)) added.emplace_back(pair.upper, pair.upper);
  }
  set.insert(set.end(), added.begin(), added.end());
  return normalised(std::move(set));
}

}  // namespace longhand
