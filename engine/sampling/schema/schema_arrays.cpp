// Rules for arrays of JSON schemas.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>

#include "engine/sampling/grammar/gbnf_text.h"
#include "engine/sampling/schema/schema_writer.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::size_t kMaxUnique = 64;  // values that an array has at most once
constexpr double kMaxUniqueNext =
    12'000;  // values that may come next, over all sets of those that came before
constexpr std::size_t kMaxCounted = 4000;  // rules for the items before and those among them that count

std::size_t longest_prefix(const SchemaShape& shape) {
  std::size_t longest = 0;
  for (const auto& rule : shape.item_rules) longest = std::max(longest, rule.prefix.size());
  return longest;
}

// Sets of up to `most` of so many values.
double sets_of(std::size_t values, std::size_t most) {
  double sum = 0, of_size = 1;
  for (std::size_t size = 0; size <= std::min(values, most); ++size) {
    sum += of_size;
    of_size *= double(values - size) / double(size + 1);
  }
  return sum;
}

std::string in_brackets(const std::string& ws, const std::string& inside) {
  return fmt::format(R"("[" {} {} {} "]")", ws, inside, ws);
}

}  // namespace

// The values that satisfy `all`, where a schema lists them and they are few.
std::optional<std::vector<Json>> SchemaWriter::finite(const Schemas& all) {
  std::vector<Json> left;
  for (const SchemaShape& shape : schemas_.shapes(all)) {
    if (!shape.values && (shape.possible_types() & ~(kNullType | kBooleanType)) != 0) return std::nullopt;
    std::vector<Json> candidates = shape.values.value_or(std::vector<Json>{nullptr, false, true});
    for (const Json& value : candidates) {
      const bool known = std::find(left.begin(), left.end(), value) != left.end();
      if (!known && schemas_.satisfies(value, shape)) left.push_back(value);
      if (left.size() > kMaxUnique) return std::nullopt;
    }
  }
  return left;
}

// A rule for each set of values that came before.
GbnfPart SchemaWriter::unique_array(const SchemaShape& shape, const std::vector<Json>& values) {
  std::map<std::uint64_t, std::string> names;
  std::vector<std::uint64_t> sets;
  const auto rule_of = [&](std::uint64_t set) {
    const auto [known, is_new] = names.try_emplace(set);
    if (is_new) {
      known->second = rules_.reserve(schemas_.path() + "-set");
      sets.push_back(set);
    }
    return known->second;
  };
  const std::string first = rule_of(0);
  for (std::size_t at = 0; at < sets.size(); ++at) {
    const std::uint64_t set = sets[at];
    GbnfPart inside;
    const auto count = std::uint32_t(std::popcount(set));
    if (count >= shape.items.min) inside = "\"\"";
    for (std::size_t i = 0; i < values.size() && count < shape.items.max; ++i) {
      const std::uint64_t bit = std::uint64_t{1} << i;
      if ((set & bit) != 0) continue;
      add_alternative(inside, fmt::format("{}{} {}", set == 0 ? "" : comma(), spelled(values[i], spelling_),
                                          rule_of(set | bit)));
    }
    rules_.define(names[set], inside.value_or(std::string(kNothing)));
  }
  if (shape.items.min > std::min<std::size_t>(values.size(), shape.items.max)) return std::nullopt;
  return in_brackets(rules_.builtin("ws"), first);
}

// A rule for each number of items, and of those that `contains` asks for, that came before.
GbnfPart SchemaWriter::array_with(const SchemaShape& shape, const SchemaShape::ContainsRule& contains,
                                  const At& at) {
  const std::size_t prefix = longest_prefix(shape);
  const auto [least, most] = contains.count;
  const std::size_t items =
      std::max<std::size_t>({1, prefix, shape.items.max == kNoLimit ? shape.items.min : shape.items.max});
  const std::size_t found = most == kNoLimit ? least : most;
  if (items > kMaxCounted || found > kMaxCounted || (items + 1) * (found + 1) > kMaxCounted) {
    schemas_.refuse("contains beside so large a number of items");
    SchemaShape without = shape;
    without.contains.clear();
    return array(without, at);
  }
  const Json* other = most == kNoLimit ? schemas_.keep(true) : schemas_.keep({{"not", *contains.schema}});
  std::vector<std::vector<std::string>> names(items + 1, std::vector<std::string>(found + 1));
  for (auto& row : names) {
    for (std::string& name : row) name = rules_.reserve(at.path + "-items");
  }
  for (std::size_t i = 0; i <= items; ++i) {
    Schemas all = shape.item(i);
    all.push_back(other);
    const GbnfPart plain = visit(all, at.inside("[]"));
    all.back() = contains.schema;
    const GbnfPart wanted = visit(all, at.inside("[]"));
    const std::string before = i == 0 ? "" : comma();
    const bool last = shape.items.max != kNoLimit && i == items;
    const std::size_t next = std::min(i + 1, items);
    for (std::size_t n = 0; n <= found; ++n) {
      GbnfPart inside;
      if (n >= least && i >= shape.items.min) inside = "\"\"";
      const bool full = n == found && most != kNoLimit;
      if (wanted && !last && !full)
        add_alternative(inside, before + *wanted + " " + names[next][std::min(n + 1, found)]);
      if (plain && !last) add_alternative(inside, before + *plain + " " + names[next][n]);
      rules_.define(names[i][n], inside.value_or(std::string(kNothing)));
    }
  }
  return in_brackets(rules_.builtin("ws"), names[0][0]);
}

GbnfPart SchemaWriter::array(const SchemaShape& shape, const At& at) {
  const std::string ws = rules_.builtin("ws");
  const auto [min, max] = shape.items;
  if (min > max) return std::nullopt;
  const std::size_t prefix = longest_prefix(shape);
  if (shape.unique && max > 1) {
    const auto values = prefix == 0 ? finite(shape.item(0)) : std::nullopt;
    const bool few = values && sets_of(values->size(), max) * double(values->size()) <= kMaxUniqueNext;
    if (few && shape.contains.empty()) return unique_array(shape, *values);
    schemas_.note("uniqueItems is not enforced");
  }
  if (shape.contains.size() > 1) schemas_.refuse("more than one \"contains\"");
  if (!shape.contains.empty()) return array_with(shape, shape.contains.front(), at);
  std::string inside;
  std::uint32_t fixed = 0;
  for (; fixed < prefix && fixed < max; ++fixed) {
    const GbnfPart item = visit(shape.item(fixed), at.inside(fmt::format("[{}]", fixed)));
    if (!item) break;
    inside += (fixed == 0 ? "" : " " + comma()) + *item;
  }
  // A tuple ends with its own items unless more are asked for.
  const Schemas more = shape.item(prefix);
  const bool ends = fixed < prefix || fixed == max || (prefix > 0 && min <= fixed && more.empty());
  const GbnfPart item = ends ? std::nullopt : visit(more, at.inside("[]"));
  if (!item) return min > fixed ? std::nullopt : std::optional(in_brackets(ws, inside));
  const std::uint32_t taken = std::max<std::uint32_t>(fixed, 1);  // a first item has no comma before it
  const std::uint32_t most = max == kNoLimit ? kNoLimit : max - taken;
  const std::string rest = gbnf_repeat("(" + comma() + *item + ")", min > taken ? min - taken : 0, most);
  if (fixed > 0) return in_brackets(ws, inside + " " + rest);
  return in_brackets(ws, min > 0 ? *item + " " + rest : "(" + *item + " " + rest + ")?");
}

}  // namespace longhand
