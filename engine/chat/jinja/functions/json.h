// JSON to values and back.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "engine/chat/jinja/value.h"

namespace longhand::jinja {

/// A parsed document as values. Throws Failure when nested deeper than kMaxDepth.
Value from_json(Heap& heap, const nlohmann::ordered_json& json, bool trusted);
/// Throws Failure when `text` is not JSON.
Value parse_json(Heap& heap, const Text& text);

/// Python's json.dumps(value, ...).
struct JsonStyle {
  bool ascii_only = false;
  bool sort_keys = false;
  std::optional<Text> indent;  // of one level; none: all on one line
  std::optional<Text> item_separator, key_separator;
};
void write_json(Builder& out, const Value& value, const JsonStyle& style);

}  // namespace longhand::jinja
