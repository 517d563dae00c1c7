// Filters on sequences and mappings.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/chat/jinja/functions/methods.h"
#include "engine/chat/jinja/functions/string_ops.h"
#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/render.h"

namespace longhand::jinja {
namespace {

Value generator(Heap& heap, std::vector<Value> items, std::string_view type_name = "generator") {
  const Value list = heap.list(std::move(items), Kind::generator);
  list.sequence().type_name = type_name;
  return list;
}

Value no_item(Heap& heap, std::string_view why) {
  return Value::undefined(Missing::reason, &heap.string(why).text().bytes());
}

/// What attribute="a.b.0" looks up in each item; without an attribute the item itself.
class Getter {
 public:
  Getter(Render& render, const Value* attribute, const Value* fallback = nullptr, bool fold_case = false)
      : r_(render), fallback_(fallback), fold_case_(fold_case) {
    if (attribute == nullptr || attribute->is(Kind::none)) return;
    if (!attribute->is(Kind::string)) {
      parts_.push_back(*attribute);
      return;
    }
    const std::string_view dot = ".";
    for (const Value& part : split(r_.heap, *attribute, &dot, -1)) {
      const bool number = !part.view().empty() && part.view().size() < 10 &&
                          part.view().find_first_not_of("0123456789") == std::string_view::npos;
      parts_.push_back(number ? Value::integer(std::stoll(std::string(part.view()))) : part);
    }
  }

  Value operator()(const Value& item) const {
    Value value = item;
    for (const Value& part : parts_) {
      r_.heap.step();
      value = r_.subscript(value, part);
      if (value.is(Kind::undefined) && fallback_ != nullptr) value = *fallback_;
    }
    return fold_case_ && value.is(Kind::string) ? change_case(r_.heap, value, Case::lower) : value;
  }

 private:
  Render& r_;
  const Value* fallback_;
  bool fold_case_;
  std::vector<Value> parts_;
};

Value length_filter(Render& r, const Value& v, const Arguments&) { return Value::integer(length(r.heap, v)); }

Value default_filter(Render&, const Value& v, const Arguments& a) {
  const Bound bound("default", a, {"default_value", "boolean"});
  if (!v.is(Kind::undefined) && !(bound.flag(1, false) && !truth(v))) return v;
  return bound[0] != nullptr ? *bound[0] : Value::undefined(Missing::reason, nullptr);
}

Value first(Render& r, const Value& v, const Arguments&) {
  Iterator items(r.heap, v);
  Value item;
  return items.next(item) ? item : no_item(r.heap, "No first item, sequence was empty.");
}

Value last(Render& r, const Value& v, const Arguments&) {
  if (v.is(Kind::generator)) fail("'generator' object is not reversible");
  if (v.is_items())
    return v.items().empty() ? no_item(r.heap, "No last item, sequence was empty.") : v.items().back();
  const std::vector<Value> items = collect(r.heap, v);
  return items.empty() ? no_item(r.heap, "No last item, sequence was empty.") : items.back();
}

Value join(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("join", a, {"d", "attribute"});
  const Getter get(r, bound[1]);
  const Value separator = bound[0] != nullptr ? to_string(r.heap, *bound[0]) : r.heap.string("");
  Builder out(r.heap);
  Iterator items(r.heap, v);
  bool first = true;
  for (Value item; items.next(item);) {
    if (!std::exchange(first, false)) out.append(separator.text());
    print(out, get(item));
  }
  return out.take();
}

Value list(Render& r, const Value& v, const Arguments&) {
  const Value out = r.heap.list(collect(r.heap, v));
  if (v.is_items() || v.is(Kind::view)) out.sequence().trusted = v.sequence().trusted;
  return out;
}

Value reverse(Render& r, const Value& v, const Arguments&) {
  if (v.is(Kind::string)) {
    Slice backwards;
    backwards.step = Value::integer(-1);
    return slice(r.heap, v, backwards);
  }
  std::vector<Value> items = collect(r.heap, v);
  std::reverse(items.begin(), items.end());
  return v.is(Kind::generator) ? r.heap.list(std::move(items))
                               : generator(r.heap, std::move(items), "list_reverseiterator");
}

Value items(Render& r, const Value& v, const Arguments&) {
  if (v.is(Kind::undefined)) return generator(r.heap, {});
  if (!v.is(Kind::dict)) fail("can only get item pairs from a mapping");
  return generator(r.heap, find_method(Kind::dict, "items")(r, v, {}).items());
}

// Attributes only, never items.
Value attr(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("attr", a, {"name"}, 1);
  const std::string& name = to_string(r.heap, *bound[0]).text().bytes();
  if (v.is(Kind::dict) && find_method(Kind::dict, name) == nullptr) {
    return Value::undefined(Missing::attribute, &name, Kind::dict);
  }
  return r.attribute(v, name);
}

// ---- map, select, reject: anything false, None too, counts as an empty sequence
// -----------------------------

Arguments without_first(const Arguments& a, std::size_t count) {
  return {a.positional.subspan(std::min(count, a.positional.size())), a.named};
}

Value map(Render& r, const Value& v, const Arguments& a) {
  std::vector<Value> out;
  if (!truth(v)) return generator(r.heap, std::move(out));
  Iterator items(r.heap, v);
  if (a.positional.empty()) {
    const Bound bound("map", a, {"attribute", "default"});
    if (bound[0] == nullptr) fail("map requires a filter argument");
    const Getter get(r, bound[0], bound[1]);
    for (Value item; items.next(item);) out.push_back(get(item));
    return generator(r.heap, std::move(out));
  }
  const Value name = to_string(r.heap, a.positional[0]);
  const Filter filter = find_filter(name.view());
  if (filter == nullptr) fail(fmt::format("no filter named '{}'", name.view()));
  for (Value item; items.next(item);) out.push_back(filter(r, item, without_first(a, 1)));
  return generator(r.heap, std::move(out));
}

template <bool kKeep, bool kByAttribute>
Value select(Render& r, const Value& v, const Arguments& a) {
  constexpr std::size_t kTestAt = kByAttribute ? 1 : 0;
  if (!truth(v)) return generator(r.heap, {});
  if (kByAttribute && a.positional.empty()) fail("missing parameter for attribute name");
  const Getter get(r, kByAttribute ? &a.positional[0] : nullptr);
  Test test = nullptr;
  if (a.positional.size() > kTestAt) {
    const Value name = to_string(r.heap, a.positional[kTestAt]);
    test = find_test(name.view());
    if (test == nullptr) fail(fmt::format("no test named '{}'", name.view()));
  }
  const Arguments rest = without_first(a, kTestAt + 1);
  std::vector<Value> out;
  Iterator items(r.heap, v);
  for (Value item; items.next(item);) {
    const Value subject = get(item);
    if ((test != nullptr ? test(r, subject, rest) : truth(subject)) == kKeep) out.push_back(item);
  }
  return generator(r.heap, std::move(out));
}

// ---- order ------------------------------------------------------------------------------------------------

using Keyed = std::pair<Value, Value>;  // sort key, item

void sort_keyed(Heap& heap, std::vector<Keyed>& items, bool descending) {
  heap.step(items.size());
  std::stable_sort(items.begin(), items.end(), [&](const Keyed& a, const Keyed& b) {
    return descending ? order(heap, b.first, a.first) < 0 : order(heap, a.first, b.first) < 0;
  });
}

std::vector<Keyed> keyed(Render& r, const Value& v, const Getter& get) {
  std::vector<Keyed> out;
  Iterator items(r.heap, v);
  for (Value item; items.next(item);) {
    r.heap.charge(sizeof(Keyed));
    out.emplace_back(get(item), item);
  }
  return out;
}

std::vector<Value> without_keys(const std::vector<Keyed>& items) {
  std::vector<Value> out;
  out.reserve(items.size());
  for (const Keyed& item : items) out.push_back(item.second);
  return out;
}

Value sort(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("sort", a, {"reverse", "case_sensitive", "attribute"});
  const bool fold = !bound.flag(1, false);
  std::vector<Getter> getters;
  if (bound[2] != nullptr && bound[2]->is(Kind::string)) {  // "a,b": by a, then by b
    const std::string_view comma = ",";
    for (const Value& name : split(r.heap, *bound[2], &comma, -1))
      getters.emplace_back(r, &name, nullptr, fold);
  } else {
    getters.emplace_back(r, bound[2], nullptr, fold);
  }
  std::vector<Keyed> pairs;
  Iterator items(r.heap, v);
  for (Value item; items.next(item);) {
    std::vector<Value> keys;
    for (const Getter& get : getters) keys.push_back(get(item));
    pairs.emplace_back(r.heap.list(std::move(keys), Kind::tuple), item);
  }
  sort_keyed(r.heap, pairs, bound.flag(0, false));
  return r.heap.list(without_keys(pairs));
}

Value dictsort(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("dictsort", a, {"case_sensitive", "by", "reverse"});
  need(v);
  if (!v.is(Kind::dict)) fail(fmt::format("'{}' object has no attribute 'items'", type_name(v)));
  const std::string_view by = bound[1] != nullptr ? bound.text(1).view() : "key";
  if (by != "key" && by != "value") fail("you can only sort by either \"key\" or \"value\"");
  const Value position = Value::integer(by == "key" ? 0 : 1);
  std::vector<Keyed> pairs = keyed(r, find_method(Kind::dict, "items")(r, v, {}),
                                   Getter(r, &position, nullptr, !bound.flag(0, false)));
  sort_keyed(r.heap, pairs, bound.flag(2, false));
  return r.heap.list(without_keys(pairs));
}

Value unique(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("unique", a, {"case_sensitive", "attribute"});
  Dict* seen = r.heap.dict();
  std::vector<Value> out;
  for (const auto& [key, item] : keyed(r, v, Getter(r, bound[1], nullptr, !bound.flag(0, false)))) {
    if (seen->find(r.heap, key) != nullptr) continue;
    seen->set(r.heap, key, item);
    out.push_back(item);
  }
  return generator(r.heap, std::move(out));
}

Value groupby(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("groupby", a, {"attribute", "default", "case_sensitive"}, 1);
  const bool fold = !bound.flag(2, false);
  std::vector<Keyed> pairs = keyed(r, v, Getter(r, bound[0], bound[1], fold));
  sort_keyed(r.heap, pairs, false);
  const Getter exact(r, bound[0], bound[1]);
  std::vector<Value> groups;
  for (std::size_t i = 0; i < pairs.size();) {
    const std::size_t begin = i;
    std::vector<Value> members;
    for (; i < pairs.size() && equal(r.heap, pairs[i].first, pairs[begin].first); ++i)
      members.push_back(pairs[i].second);
    const Value group =
        r.heap.list({exact(pairs[begin].second), r.heap.list(std::move(members))}, Kind::tuple);
    group.sequence().type_name = kGroupType;
    groups.push_back(group);
  }
  return r.heap.list(std::move(groups));
}

template <bool kMax>
Value extreme(Render& r, const Value& v, const Arguments& a) {
  const Bound bound(kMax ? "max" : "min", a, {"case_sensitive", "attribute"});
  const std::vector<Keyed> pairs = keyed(r, v, Getter(r, bound[1], nullptr, !bound.flag(0, false)));
  if (pairs.empty()) return no_item(r.heap, "No aggregated item, sequence was empty.");
  const Keyed* best = &pairs[0];
  for (const Keyed& pair : pairs) {
    const int sign = order(r.heap, pair.first, best->first, kMax ? ">" : "<");
    if (kMax ? sign > 0 : sign < 0) best = &pair;
  }
  return best->second;
}

Value sum(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("sum", a, {"attribute", "start"});
  const Getter get(r, bound[0]);
  Value total = bound[1] != nullptr ? *bound[1] : Value::integer(0);
  Iterator items(r.heap, v);
  for (Value item; items.next(item);) total = arithmetic(r.heap, Operator::add, total, get(item));
  return total;
}

// ---- cutting up -------------------------------------------------------------------------------------------

Value batch(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("batch", a, {"linecount", "fill_with"}, 1);
  const std::int64_t size = bound.integer(0, 1);
  if (size < 1) fail("batch(): linecount must be at least 1");
  std::vector<Value> rows, row;
  const auto flush = [&] { rows.push_back(r.heap.list(std::exchange(row, {}))); };
  for (const Value& item : collect(r.heap, v)) {
    if (std::int64_t(row.size()) == size) flush();
    row.push_back(item);
  }
  if (row.empty()) return generator(r.heap, std::move(rows));
  while (bound.given(1) && std::int64_t(row.size()) < size) {
    r.heap.charge(sizeof(Value));
    row.push_back(*bound[1]);
  }
  flush();
  return generator(r.heap, std::move(rows));
}

Value slice_filter(Render& r, const Value& v, const Arguments& a) {
  const Bound bound("slice", a, {"slices", "fill_with"}, 1);
  const std::int64_t count = bound.integer(0, 1);
  if (count < 1) fail("slice(): slices must be at least 1");
  const std::vector<Value> all = collect(r.heap, v);
  const auto size = std::int64_t(all.size());
  const std::int64_t per_slice = size / count, longer = size % count;
  std::vector<Value> rows;
  auto at = all.begin();
  for (std::int64_t i = 0; i < count; ++i) {
    r.heap.step();
    const auto end = at + std::ptrdiff_t(per_slice + (i < longer ? 1 : 0));
    std::vector<Value> row(at, end);
    at = end;
    if (bound.given(1) && i >= longer) row.push_back(*bound[1]);
    rows.push_back(r.heap.list(std::move(row)));
  }
  return generator(r.heap, std::move(rows));
}

constexpr std::array<Named<Filter>, 25> kFilters = {{{"length", length_filter},
                                                     {"default", default_filter},
                                                     {"join", join},
                                                     {"items", items},
                                                     {"list", list},
                                                     {"selectattr", select<true, true>},
                                                     {"rejectattr", select<false, true>},
                                                     {"select", select<true, false>},
                                                     {"reject", select<false, false>},
                                                     {"map", map},
                                                     {"dictsort", dictsort},
                                                     {"first", first},
                                                     {"last", last},
                                                     {"count", length_filter},
                                                     {"d", default_filter},
                                                     {"reverse", reverse},
                                                     {"sort", sort},
                                                     {"unique", unique},
                                                     {"groupby", groupby},
                                                     {"min", extreme<false>},
                                                     {"max", extreme<true>},
                                                     {"sum", sum},
                                                     {"batch", batch},
                                                     {"slice", slice_filter},
                                                     {"attr", attr}}};

}  // namespace

std::span<const Named<Filter>> sequence_filters() { return kFilters; }

Filter find_filter(std::string_view name) {
  const Filter filter = find_named<Filter>(kFilters, name);
  return filter != nullptr ? filter : find_named<Filter>(text_filters(), name);
}

}  // namespace longhand::jinja
