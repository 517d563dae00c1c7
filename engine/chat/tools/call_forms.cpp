#include <algorithm>
#include <array>
#include <utility>

#include "engine/chat/tools/call_form.h"
#include "ops/error.h"

namespace longhand {
namespace {

// Calls between a begin, of which `marker` comes first, and an end.
struct Section {
  std::string marker, begin_rest, between, end;
};
CallForm in_section(std::string name, const Section& section, std::string call) {
  CallForm form;
  form.name = std::move(name);
  form.starts = {{section.marker, section.marker}};
  form.section_begin = section.marker + section.begin_rest;
  form.call = std::move(call);
  form.between = section.between;
  form.section_end = section.end;
  return form;
}

CallForm with_id(CallForm form, std::string id) {
  form.id = std::move(id);
  return form;
}

CallForm with_hint(CallForm form, std::string hint) {
  form.hint = std::move(hint);
  return form;
}

// Each call between markers of its own.
CallForm in_each(std::string name, const std::string& begin, const std::string& call, std::string between) {
  CallForm form;
  form.name = std::move(name);
  form.starts = {{begin, begin}};
  form.call = begin + call;
  form.between = std::move(between);
  return form;
}

const std::string kObject = R"({"name": "$name", "arguments": $json})";
const std::string kObjectWithId = R"({"name": "$name", "arguments": $json, "id": "$id"})";

std::vector<CallForm> tag_forms() {
  const std::string function = "<function=$name>\n$tags</function>\n";
  return {
      {.name = "qwen3-coder",
       .starts = {{"<tool_call>", "<tool_call>"}, {"<function=", "<tool_call>\n<function="}},
       .section_begin = "",
       .call = "<tool_call>\n" + function + "</tool_call>",
       .between = "\n",
       .section_end = "",
       .tag = "<parameter=$key>\n$value\n</parameter>\n"},
      {.name = "seed",
       .starts = {{"<seed:tool_call>", "<seed:tool_call>"}},
       .section_begin = "",
       .call = "<seed:tool_call>\n" + function + "</seed:tool_call>",
       .between = "\n",
       .section_end = "",
       .tag = "<parameter=$key>$value</parameter>\n"},
      {.name = "minimax-m2",
       .starts = {{"<minimax:tool_call>", "<minimax:tool_call>"}},
       .section_begin = "<minimax:tool_call>\n",
       .call = "<invoke name=\"$name\">\n$tags</invoke>\n",
       .between = "",
       .section_end = "</minimax:tool_call>",
       .tag = "<parameter name=\"$key\">$value</parameter>\n"},
      {.name = "deepseek-v3.2",
       .starts = {{"<｜DSML｜function_calls>", "<｜DSML｜function_calls>"}},
       .section_begin = "<｜DSML｜function_calls>\n",
       .call = "<｜DSML｜invoke name=\"$name\">\n$tags</｜DSML｜invoke>\n",
       .between = "",
       .section_end = "</｜DSML｜function_calls>",
       .tag = "<｜DSML｜parameter name=\"$key\" string=\"$string\">$value</｜DSML｜parameter>\n"},
      {.name = "glm",
       .starts = {{"<tool_call>", "<tool_call>"}},
       .section_begin = "",
       .call = "<tool_call>$name\n$tags</tool_call>",
       .between = "\n",
       .section_end = "",
       .tag = "<arg_key>$key</arg_key>\n<arg_value>$value</arg_value>\n"},
      {.name = "minicpm",
       .starts = {{"<function name=\"", "<function name=\""}},
       .section_begin = "",
       .call = "<function name=\"$name\">$tags</function>",
       .between = "",
       .section_end = "",
       .tag = "<param name=\"$key\">$value</param>"},
  };
}

// The function's name before its arguments.
std::vector<CallForm> named_forms() {
  const Section deepseek = {"<｜tool▁calls▁begin｜>", "", "", "<｜tool▁calls▁end｜>"};
  const Section deepseek_lines = {"<｜tool▁calls▁begin｜>", "", "\n", "<｜tool▁calls▁end｜>"};
  return {
      in_section("deepseek-v3.1", deepseek,
                 "<｜tool▁call▁begin｜>$name<｜tool▁sep｜>$json<｜tool▁call▁end｜>"),
      with_hint(in_section("deepseek-v3", deepseek_lines,
                           "<｜tool▁call▁begin｜>function<｜tool▁sep｜>$name\n```json\n$json\n```"
                           "<｜tool▁call▁end｜>"),
                "<｜tool▁calls▁begin｜>"),
      with_id(in_section("kimi-k2", {"<|tool_calls_section_begin|>", "", "", "<|tool_calls_section_end|>"},
                         "<|tool_call_begin|>functions.$name:$index<|tool_call_argument_begin|>$json"
                         "<|tool_call_end|>"),
              "functions.$name:$index"),
      in_each("mistral-id", "[TOOL_CALLS]", "$name[CALL_ID]$id[ARGS]$json", ""),
      in_each("mistral-args", "[TOOL_CALLS]", "$name[ARGS]$json", ""),
      in_each("gemma", "<|tool_call>", "call:$name$gemma<tool_call|>", ""),
      with_hint(
          in_section("lfm2", {"<|tool_call_start|>", "[", ", ", "]<|tool_call_end|>"}, "$name($python)"),
          "<|tool_call_start|>"),
      {.name = "gpt-oss",
       .starts = {{"to=functions.", "to=functions."}},
       .section_begin = "",
       .call = "to=functions.$name$header<|message|>$json<|call|>",
       .between = "",
       .section_end = "",
       .several = false,
       .in_header = true},
      in_each("functionary", "<function=", "$name>$json</function>", ""),
  };
}

std::vector<CallForm> object_forms() {
  return {
      in_section("cohere", {"<|START_ACTION|>", "[\n    ", ",\n    ", "\n]<|END_ACTION|>"},
                 R"({"tool_call_id": "$index", "tool_name": "$name", "parameters": $json})"),
      in_section("apertus", {"<|tools_prefix|>", "[", ", ", "]<|tools_suffix|>"}, R"({"$name": $json})"),
      in_section("mistral-list", {"[TOOL_CALLS]", "[", ", ", "]"}, kObjectWithId),
      in_section("mistral-plain", {"[TOOL_CALLS]", "[", ", ", "]"}, kObject),
      in_section("apriel", {"<tool_calls>", "[", ", ", "]</tool_calls>"}, kObjectWithId),
      in_section("minimax-m1", {"<tool_calls>", "\n", "", "</tool_calls>"}, kObject + "\n"),
      in_section("nemotron", {"<TOOLCALL>", "[", ", ", "]</TOOLCALL>"}, kObject),
      with_hint(in_section("granite", {"<|tool_call|>", "[", ", ", "]"}, kObject), "<|tool_call|>"),
      in_each("hermes", "<tool_call>", "\n" + kObject + "\n</tool_call>", "\n"),
      in_each("gigachat", "<|function_call|>", kObject, ""),
      in_each("gigachat-role", "function call<|role_sep|>", "\n" + kObject, ""),
      {.name = "llama3",
       .starts = {{"{\"name\": \"", "{\"name\": \"", true},
                  {"{\"name\":\"", "{\"name\": \"", true},
                  {"{\"type\": \"function\", \"name\": \"", "{\"name\": \"", true},
                  {"<|python_tag|>", "", false}},
       .section_begin = "",
       .call = R"({"name": "$name", "parameters": $json})",
       .between = "",
       .section_end = "",
       .several = false},
  };
}

std::vector<CallForm> all_forms() {
  std::vector<CallForm> out = tag_forms();
  for (CallForm& form : named_forms()) out.push_back(std::move(form));
  for (CallForm& form : object_forms()) out.push_back(std::move(form));
  return out;
}

constexpr std::array<std::pair<std::string_view, CallPart::Kind>, 11> kWords = {{
    {"$name", CallPart::Kind::name},
    {"$json", CallPart::Kind::json},
    {"$tags", CallPart::Kind::tags},
    {"$python", CallPart::Kind::python},
    {"$gemma", CallPart::Kind::gemma},
    {"$id", CallPart::Kind::id},
    {"$index", CallPart::Kind::index},
    {"$header", CallPart::Kind::header},
    {"$key", CallPart::Kind::key},
    {"$value", CallPart::Kind::value},
    {"$string", CallPart::Kind::string},
}};

}  // namespace

const std::vector<CallForm>& call_forms() {
  static const std::vector<CallForm> kForms = all_forms();
  return kForms;
}

const CallForm& call_form(std::string_view name) {
  const auto& forms = call_forms();
  const auto found = std::ranges::find(forms, name, &CallForm::name);
  if (found == forms.end()) throw Error(Errc::range, "there is no such form of calls");
  return *found;
}

const CallForm& default_call_form() { return call_form("hermes"); }

std::vector<CallPart> call_parts(std::string_view pattern) {
  std::vector<CallPart> out;
  while (!pattern.empty()) {
    const auto word =
        std::ranges::find_if(kWords, [&](const auto& entry) { return pattern.starts_with(entry.first); });
    if (word != kWords.end()) {
      out.push_back({word->second, ""});
      pattern.remove_prefix(word->first.size());
      continue;
    }
    if (out.empty() || out.back().kind != CallPart::Kind::text) out.push_back({});
    out.back().text += pattern.front();
    pattern.remove_prefix(1);
  }
  return out;
}

std::string first_text(const std::vector<CallPart>& parts) {
  return parts.front().kind == CallPart::Kind::text ? parts.front().text : "";
}

}  // namespace longhand
