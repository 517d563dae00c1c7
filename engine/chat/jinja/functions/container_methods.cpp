// Methods of dict, list, tuple and numbers; which of them change their object.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/chat/jinja/functions/methods.h"
#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/render.h"

namespace longhand::jinja {

Heap& heap_of(Render& render) { return render.heap; }

namespace {

// ---- dict -------------------------------------------------------------------------------------------------

enum class Half : std::uint8_t { keys, values, items };
constexpr std::array<std::string_view, 3> kViewNames = {"dict_keys", "dict_values", "dict_items"};

template <Half kHalf>
Value view(Render& r, const Value& self, const Arguments& a) {
  const Bound none(kViewNames[std::size_t(kHalf)], a, {});
  const Dict& dict = self.dict();
  Sequence* out = r.heap.sequence();
  out->trusted = dict.trusted;
  out->type_name = kViewNames[std::size_t(kHalf)];
  out->items.reserve(dict.size());
  for (const auto& [key, value] : dict.entries()) {
    r.heap.step();
    r.heap.push(*out, kHalf == Half::keys     ? key
                      : kHalf == Half::values ? value
                                              : r.heap.list({key, value}, Kind::tuple));
  }
  return Value::of(Kind::view, out);
}

Value dict_get(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("get", a, {"key", "default"}, 1);
  if (const Value* found = self.dict().find(r.heap, *bound[0])) return *found;
  return bound[1] != nullptr ? *bound[1] : Value::none();
}

Value dict_copy(Render& r, const Value& self, const Arguments&) {
  Dict* out = r.heap.dict();
  out->trusted = self.dict().trusted;
  for (const auto& [key, value] : self.dict().entries()) out->set(r.heap, key, value);
  return Value::of(out);
}

Value dict_pop(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("pop", a, {"key", "default"}, 1);
  const Value* found = self.dict().find(r.heap, *bound[0]);
  if (found == nullptr && bound[1] == nullptr) fail("pop(): key not found");
  const Value value = found != nullptr ? *found : *bound[1];
  self.dict().erase(r.heap, *bound[0]);
  return value;
}

Value dict_popitem(Render& r, const Value& self, const Arguments&) {
  if (self.dict().size() == 0) fail("popitem(): dictionary is empty");
  const auto [key, value] = self.dict().entries().back();
  self.dict().erase(r.heap, key);
  return r.heap.list({key, value}, Kind::tuple);
}

Value dict_setdefault(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("setdefault", a, {"key", "default"}, 1);
  if (const Value* found = self.dict().find(r.heap, *bound[0])) return *found;
  const Value value = bound[1] != nullptr ? *bound[1] : Value::none();
  self.dict().set(r.heap, *bound[0], value);
  return value;
}

Value dict_update(Render& r, const Value& self, const Arguments& a) {
  for (const Value& source : a.positional) {
    if (!source.is(Kind::dict)) fail(fmt::format("'{}' object is not a mapping", type_name(source)));
    const std::vector<Dict::Entry> entries = source.dict().entries();  // a copy: source may be self
    for (const auto& [key, value] : entries) self.dict().set(r.heap, key, value);
  }
  for (const auto& [name, value] : a.named) self.dict().set(r.heap, r.heap.string(name), value);
  return Value::none();
}

Value dict_clear(Render&, const Value& self, const Arguments&) {
  self.dict().clear();
  return Value::none();
}

// ---- list and tuple ---------------------------------------------------------------------------------------

Value list_count(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("count", a, {"value"}, 1);
  std::int64_t count = 0;
  for (const Value& item : self.items()) count += equal(r.heap, item, *bound[0]) ? 1 : 0;
  return Value::integer(count);
}

Value list_index(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("index", a, {"value"}, 1);
  for (std::size_t i = 0; i < self.items().size(); ++i) {
    if (equal(r.heap, self.items()[i], *bound[0])) return Value::integer(std::int64_t(i));
  }
  fail("index(): value is not in list");
}

Value list_copy(Render& r, const Value& self, const Arguments&) { return r.heap.list(self.items()); }

Value list_append(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("append", a, {"object"}, 1);
  r.heap.push(self.sequence(), *bound[0]);
  return Value::none();
}

Value list_extend(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("extend", a, {"iterable"}, 1);
  for (const Value& item : collect(r.heap, *bound[0])) r.heap.push(self.sequence(), item);
  return Value::none();
}

Value list_insert(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("insert", a, {"index", "object"}, 2);
  std::vector<Value>& items = self.sequence().items;
  const auto size = std::int64_t(items.size());
  std::int64_t at = bound.integer(0, 0);
  at = std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  r.heap.charge(sizeof(Value));
  r.heap.step(items.size() / 2);
  items.insert(items.begin() + std::ptrdiff_t(at), *bound[1]);
  return Value::none();
}

Value list_pop(Render& r, const Value& self, const Arguments& a) {
  const Bound bound("pop", a, {"index"});
  std::vector<Value>& items = self.sequence().items;
  const auto size = std::int64_t(items.size());
  if (size == 0) fail("pop from empty list");
  std::int64_t at = bound.integer(0, -1);
  if (at < 0) at += size;
  if (at < 0 || at >= size) fail("pop index out of range");
  const Value value = items[std::size_t(at)];
  r.heap.step(std::uint64_t(size - at) / 2);
  items.erase(items.begin() + std::ptrdiff_t(at));
  return value;
}

Value list_remove(Render& r, const Value& self, const Arguments& a) {
  const auto at = std::size_t(list_index(r, self, a).as_integer());
  std::vector<Value>& items = self.sequence().items;
  r.heap.step((items.size() - at) / 2);
  items.erase(items.begin() + std::ptrdiff_t(at));
  return Value::none();
}

Value list_reverse(Render& r, const Value& self, const Arguments&) {
  r.heap.step(self.items().size());
  std::reverse(self.sequence().items.begin(), self.sequence().items.end());
  return Value::none();
}

Value list_clear(Render&, const Value& self, const Arguments&) {
  self.sequence().items.clear();
  return Value::none();
}

Value is_integer(Render&, const Value& self, const Arguments&) {
  return Value::boolean(self.is_whole() ||
                        (std::isfinite(self.as_real()) && std::trunc(self.as_real()) == self.as_real()));
}

constexpr std::array<Named<Method>, 10> kDict = {{{"items", view<Half::items>},
                                                  {"get", dict_get},
                                                  {"keys", view<Half::keys>},
                                                  {"values", view<Half::values>},
                                                  {"copy", dict_copy},
                                                  {"pop", dict_pop},
                                                  {"popitem", dict_popitem},
                                                  {"setdefault", dict_setdefault},
                                                  {"update", dict_update},
                                                  {"clear", dict_clear}}};
constexpr std::array<Named<Method>, 2> kTuple = {{{"count", list_count}, {"index", list_index}}};
constexpr std::array<Named<Method>, 10> kList = {{{"append", list_append},
                                                  {"pop", list_pop},
                                                  {"count", list_count},
                                                  {"index", list_index},
                                                  {"copy", list_copy},
                                                  {"extend", list_extend},
                                                  {"insert", list_insert},
                                                  {"remove", list_remove},
                                                  {"reverse", list_reverse},
                                                  {"clear", list_clear}}};
constexpr std::array<Named<Method>, 1> kNumber = {{{"is_integer", is_integer}}};

// As the sandbox of Jinja 3.1 lists them; later versions add list.pop and list.clear.
constexpr std::array<std::string_view, 5> kDictChanging = {"clear", "pop", "popitem", "setdefault", "update"};
constexpr std::array<std::string_view, 7> kListChanging = {"append", "insert", "remove", "reverse",
                                                           "extend", "clear",  "pop"};

}  // namespace

Method find_method(Kind kind, std::string_view name) {
  switch (kind) {
    case Kind::string:
      return find_named<Method>(string_methods(), name);
    case Kind::dict:
      return find_named<Method>(kDict, name);
    case Kind::list:
      return find_named<Method>(kList, name);
    case Kind::tuple:
      return find_named<Method>(kTuple, name);
    case Kind::integer:
    case Kind::real:
      return find_named<Method>(kNumber, name);
    default:
      return nullptr;
  }
}

bool changes_object(Kind kind, std::string_view name) {
  const auto has = [&](const auto& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return (kind == Kind::dict && has(kDictChanging)) || (kind == Kind::list && has(kListChanging));
}

}  // namespace longhand::jinja
