// What a template computes with: values as Python has them, and the heap that owns and counts them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/chat/jinja/functions/text.h"

namespace longhand::jinja {

/// What one rendering may cost. Beyond any of these it ends in an Error (chat_template).
struct Limits {
  /// Nodes evaluated, items read, strings made, 64-byte lines compared, 32-byte lines copied, 8-byte words
  /// searched or counted. Published templates take about a hundred steps a message; half a million last less
  /// than 0.1 s, whatever the lengths of the texts.
  std::uint64_t steps = 500'000;
  std::size_t bytes = std::size_t{64} << 20;  ///< all strings, lists and output ever made
  int macro_depth = 128;                      ///< macros and recursive loops inside one another
};

/// Containers may hold containers so deep; also how deep a template may nest.
inline constexpr int kMaxDepth = 128;

/// A failure inside a template; the interpreter adds the line and turns it into an Error.
struct Failure {
  std::string message;
};
[[noreturn]] void fail(std::string message);

enum class Kind : std::uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list,
  tuple,
  dict,
  range,      // lazy, indexable
  view,       // dict_keys, dict_values, dict_items: sized, not indexable
  generator,  // what map(), select() ... give: read once, no length
  native,     // namespace, loop, macros, functions and bound methods
};

/// Why a value is undefined; decides the message when it is used.
enum class Missing : std::uint8_t { variable, attribute, element, parameter, unsafe, reason };

struct Object {
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;
};
struct String;
struct Sequence;
class Dict;
struct Range;
class Native;
class Heap;

/// A small handle; copying it shares the object, as in Python. The heap owns all objects.
class Value {
 public:
  Value() = default;  // undefined
  static Value none() { return Value(Kind::none); }
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value real(double value);
  static Value of(String* string);
  static Value of(Kind sequence_kind, Sequence* items);  // list, tuple, view or generator
  static Value of(Dict* dict);
  static Value of(Range* range);
  static Value of(Native* native);
  /// `name` must live as long as the rendering; for Missing::reason it is the whole message.
  static Value undefined(Missing why, const std::string* name, Kind owner = Kind::undefined);

  Kind kind() const noexcept { return kind_; }
  bool is(Kind kind) const noexcept { return kind_ == kind; }
  bool is_number() const noexcept {
    return kind_ == Kind::boolean || kind_ == Kind::integer || kind_ == Kind::real;
  }
  bool is_whole() const noexcept { return kind_ == Kind::boolean || kind_ == Kind::integer; }
  bool is_items() const noexcept { return kind_ == Kind::list || kind_ == Kind::tuple; }

  /// Numbers, booleans and None that came from outside print as untrusted text.
  bool trusted() const noexcept { return trusted_; }
  Value with_trust(bool trusted) const;

  // Each is legal only for the kinds named.
  std::int64_t as_integer() const noexcept { return integer_; }  // boolean, integer
  double as_real() const noexcept { return kind_ == Kind::real ? real_ : double(integer_); }  // numbers
  String& string() const noexcept { return *string_; }
  const Text& text() const noexcept;                          // string
  std::string_view view() const noexcept;                     // string
  Sequence& sequence() const noexcept { return *sequence_; }  // list, tuple, view, generator
  const std::vector<Value>& items() const noexcept;           // list, tuple, view
  Dict& dict() const noexcept { return *dict_; }
  Range& range() const noexcept { return *range_; }
  Native& native() const noexcept { return *native_; }
  Missing missing() const noexcept { return missing_; }  // undefined
  const std::string* missing_name() const noexcept { return name_; }
  Kind missing_owner() const noexcept { return owner_; }
  const void* identity() const noexcept { return string_; }

 private:
  explicit Value(Kind kind) : kind_(kind) {}
  Kind kind_ = Kind::undefined;
  bool trusted_ = true;
  Missing missing_ = Missing::variable;
  Kind owner_ = Kind::undefined;
  union {
    std::int64_t integer_ = 0;
    double real_;
    String* string_;
    Sequence* sequence_;
    Dict* dict_;
    Range* range_;
    Native* native_;
    const std::string* name_;
  };
};

struct String : Object {
  explicit String(Text t, bool is_markup = false) : text(std::move(t)), markup(is_markup) {}
  Text text;
  bool markup;  // made by `safe` or `escape`: what is added to it gets HTML-escaped
};

struct Sequence : Object {
  std::vector<Value> items;
  bool trusted = true;
  std::size_t next = 0;                      // generator: first item not read yet
  std::string_view type_name = "generator";  // view, generator
};

/// type_name of the tuples groupby() makes; they have the attributes "grouper" and "list".
inline constexpr std::string_view kGroupType = "_GroupTuple";

struct Range : Object {
  std::int64_t start = 0, step = 1, count = 0;
  std::int64_t at(std::int64_t index) const noexcept { return start + index * step; }
};

/// Insertion-ordered map. Keys are hashable values; 1, 1.0 and True are one key, as in Python.
class Dict : public Object {
 public:
  using Entry = std::pair<Value, Value>;
  const std::vector<Entry>& entries() const noexcept { return entries_; }
  std::size_t size() const noexcept { return entries_.size(); }
  /// nullptr when absent. Throws Failure when `key` is not hashable.
  const Value* find(Heap& heap, const Value& key) const;
  const Value* find(Heap& heap, std::string_view key) const;
  void set(Heap& heap, const Value& key, const Value& value);
  /// False when absent.
  bool erase(Heap& heap, const Value& key);
  void clear();
  bool trusted = true;

 private:
  static constexpr std::size_t kAbsent = SIZE_MAX;
  template <class Same>
  std::size_t entry_of(Heap& heap, std::uint64_t hash, Same&& same) const;
  void rebuild(Heap& heap, std::size_t slots);
  std::size_t free_slot(Heap& heap, std::uint64_t hash) const;
  std::vector<Entry> entries_;
  std::vector<std::uint64_t> hashes_;  // of the entries
  std::vector<std::uint32_t>
      slots_;  // open addressing: entry index + 1, 0 free; empty while the dict is small
};

/// Throws Failure for lists, dicts and other unhashable values.
std::uint64_t hash_of(Heap& heap, const Value& value);

class Render;
struct Arguments {
  std::span<const Value> positional;
  std::span<const std::pair<std::string_view, Value>> named;
};

/// A value with behaviour written in C++.
class Native : public Object {
 public:
  /// As Python's type(x).__name__.
  virtual std::string_view type_name() const = 0;
  /// False when there is no such attribute.
  virtual bool attribute(Render&, std::string_view, Value&) { return false; }
  virtual bool set_attribute(Render&, const Value& /*name*/, const Value&) { return false; }
  virtual bool callable() const { return true; }
  virtual Value call(Render&, const Arguments&);
};

/// Owns every object of one rendering and counts what it costs.
class Heap {
 public:
  Heap() = default;
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Counts from zero against `limits` from now on. Before this call nothing is limited.
  void start(const Limits& limits);
  // All of these throw Failure when the budget is used up; called before the work they count.
  void step(std::uint64_t count = 1) { spend<kStep>(count); }
  /// Bytes compared or hashed, which goes by words.
  void compare(std::uint64_t bytes) { spend<kStep / 64>(bytes); }
  /// Bytes looked at one by one: searched, counted, classified.
  void read(std::uint64_t bytes) { spend<kStep / 8>(bytes); }
  /// Bytes of memory taken and filled.
  void charge(std::uint64_t bytes);

  template <class T, class... Args>
  T* make(Args&&... args) {
    charge(sizeof(T) + sizeof(void*));
    auto object = std::make_unique<T>(std::forward<Args>(args)...);
    T* raw = object.get();
    objects_.push_back(std::move(object));
    return raw;
  }
  Value string(Text text, bool markup = false);
  Value string(std::string_view text, bool trusted = true) {
    return string(Text(std::string(text), trusted));
  }
  Value list(std::vector<Value> items, Kind kind = Kind::list);
  Sequence* sequence() { return make<Sequence>(); }
  Dict* dict() { return make<Dict>(); }
  void push(Sequence& list, const Value& item) {
    charge(sizeof(Value));
    list.items.push_back(item);
  }

 private:
  // A step in the unit of the time budget, so small that no short text is free.
  static constexpr std::uint64_t kStep = 64;
  template <std::uint64_t kCost>
  void spend(std::uint64_t count) {
    if (count > time_left_ / kCost) out_of_steps();
    time_left_ -= count * kCost;
  }
  [[noreturn]] void out_of_steps() const;
  std::vector<std::unique_ptr<Object>> objects_;
  std::uint64_t time_left_ = UINT64_MAX;
  std::uint64_t bytes_left_ = UINT64_MAX;
  Limits limits_;
};

/// Text under construction, counted as it grows.
class Builder {
 public:
  explicit Builder(Heap& heap) : heap_(heap) {}
  void append(std::string_view bytes, bool trusted = true) {
    heap_.charge(bytes.size());
    text_.append(bytes, trusted);
  }
  void append(const Text& text) { append(text, 0, text.size()); }
  void append(const Text& text, std::size_t begin, std::size_t end) {
    heap_.charge(end - begin + text.mark_bytes(begin, end));
    text_.append(text, begin, end);
  }
  const Text& text() const noexcept { return text_; }
  std::size_t size() const noexcept { return text_.size(); }
  Heap& heap() noexcept { return heap_; }
  /// The finished string; the builder is empty afterwards.
  Value take(bool markup = false) {
    return Value::of(heap_.make<String>(std::exchange(text_, Text()), markup));
  }

 private:
  Heap& heap_;
  Text text_;
};

}  // namespace longhand::jinja
