#include "engine/chat/message_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/chat/jinja/functions/json.h"
#include "engine/chat/tools/call_form.h"
#include "engine/chat/tools/call_writer.h"
#include "ops/error.h"

namespace longhand {
namespace {

// Roles are part of the markup in templates like "<|" + role + "|>". Only these are vouched for.
constexpr std::array<std::string_view, 5> kRoles = {"system", "user", "assistant", "tool", "developer"};
constexpr std::size_t kShortId = 9;

// Nine letters and digits that are the same for the same text.
std::string short_id(const std::string& id) {
  const bool good = id.size() == kShortId && std::ranges::all_of(id, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                    });
  if (good) return id;
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : id) hash = (hash ^ std::uint8_t(c)) * 0x100000001B3;
  std::string out;
  for (; out.size() < kShortId; hash /= 36) out += "0123456789abcdefghijklmnopqrstuvwxyz"[hash % 36];
  return out;
}

// The calls of an answer, one by one.
Json calls_of(const std::string& text) {
  Json all = Json::parse(text, nullptr, false);
  if (!all.is_array()) throw Error(Errc::type, "tool_calls: must be a JSON array");
  for (Json& call : all) {
    if (!call.is_object()) throw Error(Errc::type, "tool_calls: each must be an object");
    if (!call.contains("function")) call = Json{{"function", call}};
    Json& function = call["function"];
    if (!function.is_object() || !function.contains("name") || !function["name"].is_string())
      throw Error(Errc::type, "tool_calls: each must have a function with a name");
    if (!call.contains("type")) call["type"] = "function";
    if (!call.contains("id") || !call["id"].is_string()) call["id"] = "";
  }
  return all;
}

// Arguments of a call as an object, whatever the caller gave.
Json arguments_of(const Json& function) {
  const auto given = function.find("arguments");
  if (given == function.end() || given->is_null()) return Json::object();
  if (!given->is_string()) return *given;
  Json read = Json::parse(given->get_ref<const std::string&>(), nullptr, false);
  return read.is_object() ? read : *given;
}

jinja::Value calls_value(jinja::Heap& heap, const std::string& text, const ToolDialect& dialect) {
  Json all = calls_of(text);
  for (Json& call : all) {
    Json arguments = arguments_of(call["function"]);
    if (dialect.arguments_as_text && !arguments.is_string()) arguments = dumped(arguments);
    call["function"]["arguments"] = std::move(arguments);
    if (dialect.short_ids) call["id"] = short_id(call["id"]);
  }
  return json_value(heap, dumped(all), "tool_calls");
}

// Content and calls, as the model would write both.
jinja::Value content_with_calls(jinja::Heap& heap, const ChatMessage& message, const CallForm& form) {
  std::vector<ToolCall> calls;
  for (const Json& call : calls_of(message.tool_calls)) {
    const Json& function = call["function"];
    calls.push_back({call["id"], function["name"], dumped(arguments_of(function)), true});
  }
  jinja::Builder text(heap);
  text.append(message.content, false);
  for (const PromptPiece& piece : write_calls(form, calls)) text.append(piece.text, piece.trusted);
  return text.take();
}

}  // namespace

jinja::Value json_value(jinja::Heap& heap, const std::string& text, const char* what) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error(Errc::type, fmt::format("{}: must be JSON", what));
  try {
    return jinja::from_json(heap, json, false);
  } catch (const jinja::Failure& failure) {
    throw Error(Errc::limit, fmt::format("{}: {}", what, failure.message));
  }
}

jinja::Value message_value(jinja::Heap& heap, const ChatMessage& message, bool content_parts,
                           const ToolDialect& tools) {
  jinja::Dict* out = heap.dict();
  const auto set = [&](std::string_view key, jinja::Value value) { out->set(heap, heap.string(key), value); };
  const bool known = std::ranges::find(kRoles, message.role) != kRoles.end();
  set("role", heap.string(message.role, known));
  const bool calls = !message.tool_calls.empty();
  jinja::Value content = heap.string(message.content, false);
  if (calls && !tools.shows_calls && tools.form != nullptr)
    content = content_with_calls(heap, message, *tools.form);
  if (content_parts) {
    jinja::Dict* part = heap.dict();
    part->set(heap, heap.string("type"), heap.string("text"));
    part->set(heap, heap.string("text"), content);
    content = heap.list({jinja::Value::of(part)});
  }
  if (calls && tools.content_as_none && message.content.empty()) content = jinja::Value::none();
  set("content", content);
  if (!message.reasoning.empty()) {
    set("reasoning_content", heap.string(message.reasoning, false));
    set("thinking", heap.string(message.reasoning, false));
  }
  const bool shown = tools.shows_calls || tools.form == nullptr;
  if (calls && shown) set("tool_calls", calls_value(heap, message.tool_calls, tools));
  if (!message.tool_call_id.empty()) {
    const std::string id = tools.short_ids ? short_id(message.tool_call_id) : message.tool_call_id;
    set("tool_call_id", heap.string(id, false));
  }
  if (!message.name.empty()) set("name", heap.string(message.name, false));
  return jinja::Value::of(out);
}

std::vector<ChatMessage> with_results_shown(std::span<const ChatMessage> messages,
                                            const ToolDialect& dialect) {
  std::vector<ChatMessage> out;
  std::map<std::string, std::string> names;  // of functions, by the identity of a call
  bool after_result = false;
  for (const ChatMessage& message : messages) {
    if (!message.tool_calls.empty()) {
      for (const Json& call : calls_of(message.tool_calls)) names[call["id"]] = call["function"]["name"];
    }
    const bool result = message.role == "tool";
    ChatMessage shown = message;
    if (result && shown.name.empty()) shown.name = names[message.tool_call_id];
    if (result && !dialect.shows_results) {
      const std::string text = "<tool_response>\n" + message.content + "\n</tool_response>";
      if (after_result) {
        out.back().content += "\n" + text;
        continue;
      }
      shown = {"user", text};
    }
    after_result = result;
    out.push_back(std::move(shown));
  }
  return out;
}

}  // namespace longhand
