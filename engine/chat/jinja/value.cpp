#include "engine/chat/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/chat/jinja/operators.h"
#include "engine/chat/jinja/scan.h"

namespace longhand::jinja {

void fail(std::string message) { throw Failure{std::move(message)}; }

Value Value::boolean(bool value) {
  Value v(Kind::boolean);
  v.integer_ = value;
  return v;
}
Value Value::integer(std::int64_t value) {
  Value v(Kind::integer);
  v.integer_ = value;
  return v;
}
Value Value::real(double value) {
  Value v(Kind::real);
  v.real_ = value;
  return v;
}
Value Value::of(String* string) {
  Value v(Kind::string);
  v.string_ = string;
  return v;
}
Value Value::of(Kind sequence_kind, Sequence* items) {
  Value v(sequence_kind);
  v.sequence_ = items;
  return v;
}
Value Value::of(Dict* dict) {
  Value v(Kind::dict);
  v.dict_ = dict;
  return v;
}
Value Value::of(Range* range) {
  Value v(Kind::range);
  v.range_ = range;
  return v;
}
Value Value::of(Native* native) {
  Value v(Kind::native);
  v.native_ = native;
  return v;
}
Value Value::undefined(Missing why, const std::string* name, Kind owner) {
  Value v(Kind::undefined);
  v.missing_ = why;
  v.name_ = name;
  v.owner_ = owner;
  return v;
}

Value Value::with_trust(bool trusted) const {
  Value v = *this;
  v.trusted_ = trusted;
  return v;
}
const Text& Value::text() const noexcept { return string_->text; }
std::string_view Value::view() const noexcept { return string_->text.view(); }
const std::vector<Value>& Value::items() const noexcept { return sequence_->items; }

Value Native::call(Render&, const Arguments&) {
  fail(fmt::format("'{}' object is not callable", type_name()));
}

// ---- hashing and Dict -------------------------------------------------------------------------------------

namespace {

// Below this many entries a scan over the stored hashes beats a table.
constexpr std::size_t kSmallDict = 8;
constexpr std::size_t kSlotBytes = sizeof(std::uint32_t);

std::uint64_t mix(std::uint64_t x) {  // the finaliser of splitmix64
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}
std::uint64_t hash_text(Heap& heap, std::string_view text) {
  heap.compare(text.size());
  return mix(std::hash<std::string_view>{}(text) + 1);
}

std::uint64_t hash_real(double value) {
  // Whole floats hash as the integer they equal. 2^63 bounds what int64 holds.
  if (value >= -0x1p63 && value < 0x1p63 && std::trunc(value) == value) {
    return mix(std::uint64_t(std::int64_t(value)));
  }
  return mix(std::bit_cast<std::uint64_t>(value));
}

std::uint64_t hash_at(Heap& heap, const Value& value, int depth) {
  heap.step();
  switch (value.kind()) {
    case Kind::none:
      return mix(0xA1);
    case Kind::boolean:
    case Kind::integer:
      return mix(std::uint64_t(value.as_integer()));
    case Kind::real:
      return hash_real(value.as_real());
    case Kind::string:
      return hash_text(heap, value.view());
    case Kind::tuple: {
      if (depth >= kMaxDepth) fail("tuple nested too deeply");
      std::uint64_t hash = 0x7A;
      for (const Value& item : value.items()) hash = mix(hash * 31 + hash_at(heap, item, depth + 1));
      return hash;
    }
    case Kind::native:
      return mix(std::bit_cast<std::uintptr_t>(value.identity()));
    default:
      fail(fmt::format("unhashable type: '{}'", type_name(value)));
  }
}

}  // namespace

std::uint64_t hash_of(Heap& heap, const Value& value) { return hash_at(heap, value, 0); }

// Index of the entry with this hash for which same(key) holds. Linear probing; slots_.size() is a power of
// two. Each slot passed is charged, as keys can be chosen so that all of them want one slot.
template <class Same>
std::size_t Dict::entry_of(Heap& heap, std::uint64_t hash, Same&& same) const {
  const auto matches = [&](std::size_t i) { return hashes_[i] == hash && same(entries_[i].first); };
  if (slots_.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (matches(i)) return i;
    }
    return kAbsent;
  }
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at] != 0; at = (at + 1) & mask) {
    heap.read(kSlotBytes);
    if (matches(slots_[at] - 1)) return slots_[at] - 1;
  }
  return kAbsent;
}

std::size_t Dict::free_slot(Heap& heap, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) heap.read(kSlotBytes);
  return at;
}

void Dict::rebuild(Heap& heap, std::size_t slots) {
  heap.compare(slots * kSlotBytes);
  slots_.assign(slots, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    slots_[free_slot(heap, hashes_[i])] = std::uint32_t(i + 1);
  }
}

const Value* Dict::find(Heap& heap, const Value& key) const {
  const std::size_t entry =
      entry_of(heap, hash_of(heap, key), [&](const Value& other) { return equal(heap, other, key); });
  return entry == kAbsent ? nullptr : &entries_[entry].second;
}

const Value* Dict::find(Heap& heap, std::string_view key) const {
  const auto is_key = [&](const Value& other) {
    return other.is(Kind::string) && equal_text(heap, other.view(), key);
  };
  const std::size_t entry = entry_of(heap, hash_text(heap, key), is_key);
  return entry == kAbsent ? nullptr : &entries_[entry].second;
}

void Dict::set(Heap& heap, const Value& key, const Value& value) {
  const std::uint64_t hash = hash_of(heap, key);
  const std::size_t entry = entry_of(heap, hash, [&](const Value& other) { return equal(heap, other, key); });
  if (entry != kAbsent) {
    entries_[entry].second = value;
    return;
  }
  heap.charge(sizeof(Entry) + 8 + 12);  // entry, hash and, on average, three slots
  hashes_.push_back(hash);
  entries_.emplace_back(key, value);
  if (entries_.size() <= kSmallDict) return;
  if (entries_.size() * 2 > slots_.size()) return rebuild(heap, std::bit_ceil(entries_.size() * 4));
  slots_[free_slot(heap, hash)] = std::uint32_t(entries_.size());
}

bool Dict::erase(Heap& heap, const Value& key) {
  const std::size_t entry =
      entry_of(heap, hash_of(heap, key), [&](const Value& other) { return equal(heap, other, key); });
  if (entry == kAbsent) return false;
  heap.step(entries_.size());
  entries_.erase(entries_.begin() + std::ptrdiff_t(entry));
  hashes_.erase(hashes_.begin() + std::ptrdiff_t(entry));
  if (!slots_.empty()) rebuild(heap, slots_.size());
  return true;
}

void Dict::clear() {
  entries_.clear();
  hashes_.clear();
  slots_.clear();
}

// ---- Heap -------------------------------------------------------------------------------------------------

void Heap::start(const Limits& limits) {
  limits_ = limits;
  time_left_ = std::min(limits.steps, UINT64_MAX / kStep) * kStep;
  bytes_left_ = limits.bytes;
}

void Heap::out_of_steps() const {
  fail(fmt::format("step budget of {} exceeded (an endless or very long loop?)", limits_.steps));
}

void Heap::charge(std::uint64_t bytes) {
  if (bytes_left_ < bytes) fail(fmt::format("memory budget of {} bytes exceeded", limits_.bytes));
  bytes_left_ -= bytes;
  step(1 + bytes / 32);  // so that copying counts as time, long texts and many short ones
}

Value Heap::string(Text text, bool markup) {
  charge(text.size() + text.mark_bytes());
  return Value::of(make<String>(std::move(text), markup));
}

Value Heap::list(std::vector<Value> items, Kind kind) {
  charge(items.size() * sizeof(Value));
  Sequence* sequence = make<Sequence>();
  sequence->items = std::move(items);
  return Value::of(kind, sequence);
}

}  // namespace longhand::jinja
