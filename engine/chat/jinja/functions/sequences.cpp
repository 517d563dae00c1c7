// Lengths, subscripts, slices and iteration (declared in operators.h).
#include <fmt/format.h>

#include <algorithm>

#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/scan.h"

namespace longhand::jinja {

bool has_length(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::string:
    case Kind::list:
    case Kind::tuple:
    case Kind::dict:
    case Kind::range:
    case Kind::view:
      return true;
    default:
      return false;
  }
}

std::int64_t length(Heap& heap, const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return 0;
    case Kind::string:
      return std::int64_t(char_count(heap, value.view()));
    case Kind::list:
    case Kind::tuple:
    case Kind::view:
      return std::int64_t(value.items().size());
    case Kind::dict:
      return std::int64_t(value.dict().size());
    case Kind::range:
      return value.range().count;
    default:
      fail(fmt::format("object of type '{}' has no len()", type_name(value)));
  }
}

bool is_iterable(const Value& value) { return has_length(value) || value.is(Kind::generator); }

namespace {

// Python's index rule: negative ones count from the end. False when outside.
bool resolve_index(std::int64_t& index, std::int64_t size) {
  if (index < 0) index += size;
  return index >= 0 && index < size;
}

std::optional<Value> character(Heap& heap, const Value& value, std::int64_t index) {
  const std::string_view text = value.view();
  std::size_t begin = 0;
  if (index >= 0) {
    begin = char_offset(heap, text, std::size_t(index));
    if (begin >= text.size()) return std::nullopt;
  } else {
    begin = text.size();
    for (; index < 0; ++index) {
      if (begin == 0) return std::nullopt;
      heap.read(1);
      begin = char_before(text, begin);
    }
  }
  return heap.string(value.text().slice(begin, begin + char_length(text, begin)), value.string().markup);
}

struct Bounds {
  std::int64_t start, step, count;
};

std::int64_t bound(const Value& value) {
  if (!value.is_whole()) fail("slice indices must be integers or None or have an __index__ method");
  return value.as_integer();
}

// Python's slice.indices(size), with the number of items selected.
Bounds resolve(const Slice& slice, std::int64_t size) {
  const auto given = [](const Value& v) { return !v.is(Kind::undefined) && !v.is(Kind::none); };
  const std::int64_t step = given(slice.step) ? bound(slice.step) : 1;
  if (step == 0) fail("slice step cannot be zero");
  const std::int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
  const auto clamp = [&](const Value& value, std::int64_t absent) {
    if (!given(value)) return absent;
    std::int64_t at = bound(value);
    if (at < 0) at = at < -size ? low : at + size;  // -size - 1 and below lie before the first item
    return std::clamp(at, low, high);
  };
  const std::int64_t start = clamp(slice.start, step < 0 ? high : low);
  const std::int64_t stop = clamp(slice.stop, step < 0 ? low : high);
  // |stop - start| <= size, so only the step can be extreme; its negation is avoided.
  const std::int64_t distance = step < 0 ? start - stop : stop - start;
  if (distance <= 0) return {start, step, 0};
  const std::uint64_t stride = step < 0 ? ~std::uint64_t(step) + 1 : std::uint64_t(step);
  return {start, step, std::int64_t((std::uint64_t(distance) - 1) / stride) + 1};
}

Value slice_string(Heap& heap, const Value& value, const Slice& slice) {
  const std::string_view text = value.view();
  const Bounds b = resolve(slice, std::int64_t(char_count(heap, text)));
  Builder out(heap);
  if (b.count > 0 && b.step == 1) {
    const std::size_t begin = char_offset(heap, text, std::size_t(b.start));
    const std::size_t length = char_offset(heap, text.substr(begin), std::size_t(b.count));
    out.append(value.text(), begin, begin + length);
  } else if (b.count > 0) {
    heap.step(text.size());
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < text.size(); at += char_length(text, at)) starts.push_back(at);
    for (std::int64_t i = 0; i < b.count; ++i) {
      const std::size_t at = starts[std::size_t(b.start + i * b.step)];
      out.append(value.text(), at, at + char_length(text, at));
    }
  }
  return out.take(value.string().markup);
}

}  // namespace

std::optional<Value> element(Heap& heap, const Value& value, const Value& key) {
  switch (value.kind()) {
    case Kind::dict: {
      if (key.is(Kind::list) || key.is(Kind::dict)) return std::nullopt;  // TypeError: unhashable
      const Value* found = value.dict().find(heap, key);
      return found == nullptr ? std::nullopt : std::optional<Value>(*found);
    }
    case Kind::string:
      return key.is_whole() ? character(heap, value, key.as_integer()) : std::nullopt;
    case Kind::list:
    case Kind::tuple: {
      if (!key.is_whole()) return std::nullopt;
      std::int64_t index = key.as_integer();
      if (!resolve_index(index, std::int64_t(value.items().size()))) return std::nullopt;
      return value.items()[std::size_t(index)];
    }
    case Kind::range: {
      if (!key.is_whole()) return std::nullopt;
      std::int64_t index = key.as_integer();
      if (!resolve_index(index, value.range().count)) return std::nullopt;
      return Value::integer(value.range().at(index));
    }
    default:
      return std::nullopt;
  }
}

Value slice(Heap& heap, const Value& value, const Slice& bounds) {
  need(value);
  if (value.is(Kind::string)) return slice_string(heap, value, bounds);
  if (value.is(Kind::range)) {
    const Bounds b = resolve(bounds, value.range().count);
    Range* out = heap.make<Range>();
    out->start = value.range().at(b.start);
    out->count = b.count;
    // A step so large that it overflows leaves one item at most, and then does not matter.
    if (__builtin_mul_overflow(value.range().step, b.step, &out->step)) out->step = 1;
    return Value::of(out);
  }
  if (!value.is_items()) fail(fmt::format("'{}' object is not subscriptable", type_name(value)));
  const Bounds b = resolve(bounds, std::int64_t(value.items().size()));
  Sequence* out = heap.sequence();
  out->trusted = value.sequence().trusted;
  heap.charge(std::uint64_t(b.count) * sizeof(Value));
  out->items.reserve(std::size_t(b.count));
  for (std::int64_t i = 0; i < b.count; ++i) {
    out->items.push_back(value.items()[std::size_t(b.start + i * b.step)]);
  }
  return Value::of(value.kind(), out);
}

Iterator::Iterator(Heap& heap, const Value& value) : heap_(heap), source_(value) {
  if (!is_iterable(value)) fail(fmt::format("'{}' object is not iterable", type_name(value)));
}

bool Iterator::next(Value& item) {
  heap_.step();
  switch (source_.kind()) {
    case Kind::string: {
      const std::string_view text = source_.view();
      if (at_ >= text.size()) return false;
      const std::size_t end = at_ + char_length(text, at_);
      item = heap_.string(source_.text().slice(at_, end));
      at_ = end;
      return true;
    }
    case Kind::list:
    case Kind::tuple:
    case Kind::view:
      if (at_ >= source_.items().size()) return false;
      item = source_.items()[at_++];
      return true;
    case Kind::dict:
      if (at_ >= source_.dict().size()) return false;
      item = source_.dict().entries()[at_++].first;
      return true;
    case Kind::range:
      if (at_ >= std::size_t(source_.range().count)) return false;
      item = Value::integer(source_.range().at(std::int64_t(at_++)));
      return true;
    case Kind::generator: {
      Sequence& items = source_.sequence();
      if (items.next >= items.items.size()) return false;
      item = items.items[items.next++];
      return true;
    }
    default:
      return false;
  }
}

std::vector<Value> collect(Heap& heap, const Value& value) {
  std::vector<Value> items;
  Iterator iterator(heap, value);
  for (Value item; iterator.next(item);) {
    heap.charge(sizeof(Value));
    items.push_back(item);
  }
  return items;
}

}  // namespace longhand::jinja
