#include "engine/chat/jinja/functions/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/chat/jinja/operators.h"

namespace longhand::jinja {
namespace {

using nlohmann::ordered_json;

Value unsigned_value(std::uint64_t value) {
  if (value > INT64_MAX) return Value::real(double(value));
  return Value::integer(std::int64_t(value));
}

Value convert(Heap& heap, const ordered_json& json, bool trusted, int depth) {
  if (depth > kMaxDepth) fail("JSON nested too deeply");
  heap.step();
  switch (json.type()) {
    case ordered_json::value_t::boolean:
      return Value::boolean(json.get<bool>()).with_trust(trusted);
    case ordered_json::value_t::number_integer:
      return Value::integer(json.get<std::int64_t>()).with_trust(trusted);
    case ordered_json::value_t::number_unsigned:
      return unsigned_value(json.get<std::uint64_t>()).with_trust(trusted);
    case ordered_json::value_t::number_float:
      return Value::real(json.get<double>()).with_trust(trusted);
    case ordered_json::value_t::string:
      return heap.string(json.get_ref<const std::string&>(), trusted);
    case ordered_json::value_t::array: {
      Sequence* list = heap.sequence();
      list->trusted = trusted;
      for (const auto& item : json) heap.push(*list, convert(heap, item, trusted, depth + 1));
      return Value::of(Kind::list, list);
    }
    case ordered_json::value_t::object: {
      Dict* dict = heap.dict();
      dict->trusted = trusted;
      for (const auto& [key, item] : json.items()) {
        dict->set(heap, heap.string(key, trusted), convert(heap, item, trusted, depth + 1));
      }
      return Value::of(dict);
    }
    default:
      return Value::none().with_trust(trusted);
  }
}

/// Builds values while the text is parsed: objects of ordered_json look every new key up in a list, which
/// makes a long object quadratic.
class Reader : public nlohmann::json_sax<ordered_json> {
 public:
  Reader(Heap& heap, bool trusted) : heap_(heap), trusted_(trusted) {}
  const Value& result() const { return result_; }

  bool null() override { return add(Value::none().with_trust(trusted_)); }
  bool boolean(bool value) override { return add(Value::boolean(value).with_trust(trusted_)); }
  bool number_integer(std::int64_t value) override { return add(Value::integer(value).with_trust(trusted_)); }
  bool number_unsigned(std::uint64_t value) override {
    return add(unsigned_value(value).with_trust(trusted_));
  }
  bool number_float(double value, const std::string&) override {
    return add(Value::real(value).with_trust(trusted_));
  }
  bool string(std::string& value) override { return add(heap_.string(value, trusted_)); }
  bool binary(ordered_json::binary_t&) override { return false; }

  bool start_array(std::size_t) override {
    Sequence* list = heap_.sequence();
    list->trusted = trusted_;
    return open(Value::of(Kind::list, list));
  }
  bool end_array() override { return close(); }
  bool start_object(std::size_t) override {
    Dict* dict = heap_.dict();
    dict->trusted = trusted_;
    return open(Value::of(dict));
  }
  bool key(std::string& name) override {
    key_ = heap_.string(name, trusted_);
    return true;
  }
  bool end_object() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const ordered_json::exception&) override { return false; }

 private:
  bool add(const Value& value) {
    heap_.step();
    if (open_.empty()) {
      result_ = value;
    } else if (open_.back().is(Kind::dict)) {
      open_.back().dict().set(heap_, key_, value);
    } else {
      heap_.push(open_.back().sequence(), value);
    }
    return true;
  }
  bool open(const Value& container) {
    if (open_.size() >= kMaxDepth) fail("JSON nested too deeply");
    add(container);
    open_.push_back(container);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Heap& heap_;
  bool trusted_;
  Value result_;
  std::vector<Value> open_;  // lists and dicts that go on, outermost first
  Value key_;                // of the next member
};

class Writer {
 public:
  Writer(Builder& out, const JsonStyle& style) : out_(out), style_(style) {
    if (style.item_separator)
      item_ = *style.item_separator;
    else
      item_ = Text(style.indent ? "," : ", ");
    key_ = style.key_separator ? *style.key_separator : Text(": ");
  }

  void write(const Value& value, int depth) {
    if (depth > kMaxDepth) fail("value nested too deeply for JSON");
    out_.heap().step();
    switch (value.kind()) {
      case Kind::none:
        return out_.append("null", value.trusted());
      case Kind::boolean:
      case Kind::integer:
      case Kind::real:
        return out_.append(number(value), value.trusted());
      case Kind::string:
        return string(value.text());
      case Kind::list:
      case Kind::tuple:
        return list(value, depth);
      case Kind::dict:
        return dict(value.dict(), depth);
      default:
        fail(fmt::format("Object of type {} is not JSON serializable", type_name(value)));
    }
  }

 private:
  static std::string number(const Value& value) {
    if (value.is(Kind::boolean)) return value.as_integer() != 0 ? "true" : "false";
    if (value.is(Kind::integer)) return fmt::format_int(value.as_integer()).str();
    const double real = value.as_real();
    if (std::isnan(real)) return "NaN";
    if (std::isinf(real)) return real < 0 ? "-Infinity" : "Infinity";
    return float_repr(real);
  }

  // Structure that comes with data from outside is as untrusted as the data.
  void punctuation(const Text& text, bool trusted) {
    out_.append(text.view(), trusted && text.all_trusted());
  }
  void newline(int depth, bool trusted) {
    if (!style_.indent) return;
    out_.append("\n", trusted);
    for (int i = 0; i < depth; ++i) punctuation(*style_.indent, trusted);
  }

  void list(const Value& value, int depth) {
    const bool trusted = value.sequence().trusted;
    if (value.items().empty()) return out_.append("[]", trusted);
    out_.append("[", trusted);
    bool first = true;
    for (const Value& item : value.items()) {
      if (!std::exchange(first, false)) punctuation(item_, trusted);
      newline(depth + 1, trusted);
      write(item, depth + 1);
    }
    newline(depth, trusted);
    out_.append("]", trusted);
  }

  void dict(const Dict& dict, int depth) {
    if (dict.size() == 0) return out_.append("{}", dict.trusted);
    out_.append("{", dict.trusted);
    bool first = true;
    for (const Dict::Entry& entry : ordered(dict)) {
      if (!std::exchange(first, false)) punctuation(item_, dict.trusted);
      newline(depth + 1, dict.trusted);
      key(entry.first);
      punctuation(key_, dict.trusted);
      write(entry.second, depth + 1);
    }
    newline(depth, dict.trusted);
    out_.append("}", dict.trusted);
  }

  std::vector<Dict::Entry> ordered(const Dict& dict) {
    out_.heap().step(dict.size());
    std::vector<Dict::Entry> entries = dict.entries();
    if (!style_.sort_keys) return entries;
    std::stable_sort(entries.begin(), entries.end(), [this](const Dict::Entry& a, const Dict::Entry& b) {
      return order(out_.heap(), a.first, b.first) < 0;
    });
    return entries;
  }

  void key(const Value& value) {
    if (value.is(Kind::string)) return string(value.text());
    if (!value.is_number() && !value.is(Kind::none)) {
      fail(fmt::format("keys must be str, int, float, bool or None, not {}", type_name(value)));
    }
    out_.append("\"" + (value.is(Kind::none) ? "null" : number(value)) + "\"", value.trusted());
  }

  void string(const Text& text) {
    const bool edge = text.all_trusted();
    out_.heap().read(text.size());
    out_.append("\"", edge);
    text.each_run([&](std::string_view run, bool trusted) { characters(run, trusted); });
    out_.append("\"", edge);
  }

  void characters(std::string_view run, bool trusted) {
    std::size_t plain = 0;  // start of what can be copied as it is
    for (std::size_t at = 0; at < run.size();) {
      const std::size_t size = char_length(run, at);
      const char32_t c = char_at(run, at);
      if (c >= 0x20 && c != U'"' && c != U'\\' && (c < 0x7F || !style_.ascii_only)) {
        at += size;
        continue;
      }
      out_.append(run.substr(plain, at - plain), trusted);
      out_.append(escaped(c), trusted);
      at += size;
      plain = at;
    }
    out_.append(run.substr(plain), trusted);
  }

  static std::string escaped(char32_t c) {
    switch (c) {
      case U'"':
        return "\\\"";
      case U'\\':
        return "\\\\";
      case U'\n':
        return "\\n";
      case U'\r':
        return "\\r";
      case U'\t':
        return "\\t";
      case U'\b':
        return "\\b";
      case U'\f':
        return "\\f";
      default:
        break;
    }
    const auto code = std::uint32_t(c);
    if (c < 0x10000) return fmt::format("\\u{:04x}", code);
    return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((code - 0x10000) >> 10),
                       0xDC00 + ((code - 0x10000) & 0x3FF));
  }

  Builder& out_;
  const JsonStyle& style_;
  Text item_, key_;
};

}  // namespace

Value from_json(Heap& heap, const ordered_json& json, bool trusted) {
  return convert(heap, json, trusted, 0);
}

Value parse_json(Heap& heap, const Text& text) {
  heap.read(text.size());
  Reader reader(heap, text.all_trusted());
  if (!ordered_json::sax_parse(text.bytes(), &reader)) fail("from_json: not valid JSON");
  return reader.result();
}

void write_json(Builder& out, const Value& value, const JsonStyle& style) {
  Writer(out, style).write(value, 0);
}

}  // namespace longhand::jinja
