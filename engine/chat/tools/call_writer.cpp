#include "engine/chat/tools/call_writer.h"

#include <algorithm>

namespace longhand {
namespace {

using Kind = CallPart::Kind;

class Writer {
 public:
  explicit Writer(const CallForm& form) : form_(form) {}
  void say(std::string_view text, bool trusted) {
    if (text.empty()) return;
    if (pieces.empty() || pieces.back().trusted != trusted) pieces.push_back({"", trusted});
    pieces.back().text += text;
  }
  void call(const ToolCall& call, std::size_t index, const Tool* tool);
  std::vector<PromptPiece> pieces;

 private:
  void tags(const Json& arguments, const Tool* tool);
  void python(const Json& arguments);
  void literal(const Json& value, bool gemma);
  void structure(const Json& value, bool gemma);

  const CallForm& form_;
};

void Writer::tags(const Json& arguments, const Tool* tool) {
  const std::vector<CallPart> parts = call_parts(form_.tag);
  const bool typed = std::ranges::find(parts, Kind::string, &CallPart::kind) != parts.end();
  for (const auto& [name, value] : arguments.items()) {
    const ArgumentText kind = tool != nullptr ? tool->kind(name) : ArgumentText::mixed;
    bool raw = value.is_string() && kind != ArgumentText::json;
    if (kind == ArgumentText::mixed && raw)
      raw = typed ? tool == nullptr : !looks_like_json(value.get_ref<const std::string&>());
    for (const CallPart& part : parts) {
      if (part.kind == Kind::key) say(name, false);
      if (part.kind == Kind::string) say(raw ? "true" : "false", true);
      if (part.kind == Kind::value) say(raw ? value.get<std::string>() : dumped(value), false);
      if (part.kind == Kind::text) say(part.text, true);
    }
  }
}

void Writer::python(const Json& arguments) {
  bool first = true;
  for (const auto& [name, value] : arguments.items()) {
    say((first ? "" : ", ") + name + "=", false);
    literal(value, false);
    first = false;
  }
}

// Values are as deep as their reader allowed.
void Writer::literal(const Json& value, bool gemma) {
  if (value.is_structured()) return structure(value, gemma);
  if (value.is_string() && gemma) {
    say("<|\"|>", true);
    say(value.get_ref<const std::string&>(), false);
    return say("<|\"|>", true);
  }
  if (gemma || !(value.is_null() || value.is_boolean())) return say(dumped(value), false);
  say(value.is_null() ? "None" : value.get<bool>() ? "True" : "False", false);
}

void Writer::structure(const Json& value, bool gemma) {
  const bool object = value.is_object();
  say(object ? "{" : "[", false);
  bool first = true;
  for (const auto& [name, item] : value.items()) {
    if (!first) say(gemma ? "," : ", ", false);
    if (object) say(gemma ? name + ":" : dumped(Json(name)) + ": ", false);
    literal(item, gemma);
    first = false;
  }
  say(object ? "}" : "]", false);
}

void Writer::call(const ToolCall& call, std::size_t index, const Tool* tool) {
  Json arguments = Json::parse(call.arguments, nullptr, false);
  if (!arguments.is_object()) arguments = Json::object();
  for (const CallPart& part : call_parts(form_.call)) {
    if (part.kind == Kind::text) say(part.text, true);
    if (part.kind == Kind::name) say(call.name, false);
    if (part.kind == Kind::id) say(call.id, false);
    if (part.kind == Kind::index) say(std::to_string(index), false);
    if (part.kind == Kind::header) say("<|channel|>commentary json", true);
    if (part.kind == Kind::json) say(dumped(arguments), false);
    if (part.kind == Kind::tags) tags(arguments, tool);
    if (part.kind == Kind::python) python(arguments);
    if (part.kind == Kind::gemma) literal(arguments, true);
  }
}

}  // namespace

std::vector<PromptPiece> write_calls(const CallForm& form, std::span<const ToolCall> calls,
                                     std::span<const Tool> tools) {
  Writer writer(form);
  writer.say(form.section_begin, true);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) writer.say(form.between, true);
    const auto tool = std::ranges::find(tools, calls[i].name, &Tool::name);
    writer.call(calls[i], i, tool == tools.end() ? nullptr : &*tool);
  }
  writer.say(form.section_end, true);
  return std::move(writer.pieces);
}

}  // namespace longhand
