// Answers with tool calls, from any text, "FORM STYLE CUTS\0TEXT": however the stream is cut the same is read
// of it, nothing of it is lost, and a whole call has a JSON object for arguments.
#include <nlohmann/json.hpp>

#include "engine/chat/tools/answer_reader.h"
#include "engine/chat/tools/call_form.h"
#include "tests/fuzz/fuzz.h"

namespace longhand::fuzz {
namespace {

const std::vector<Tool>& tools() {
  static const std::vector<Tool> kTools = read_tools(
      R"([{"name": "f", "parameters": {"properties": {"s": {"type": "string"}, "n": {"type": "number"},
      "m": {}}}}, {"name": "g"}])");
  return kTools;
}

const ReasoningStyle& style(std::size_t number) {
  static const ReasoningStyle kStyles[] = {{ReasoningStyle::Form::none, "", ""},
                                           {ReasoningStyle::Form::pair, "<think>", "</think>"},
                                           {ReasoningStyle::Form::channels, "", ""}};
  return kStyles[number % 3];
}

struct Read {
  std::string reasoning, content;
  std::vector<ToolCall> calls;
};

// In pieces of so many bytes; what events say adds up to what the reader says.
Read read(const CallForm& form, std::size_t how, std::string_view text, std::size_t piece) {
  AnswerReader reader(style(how), {how % 2 == 1, form.in_header}, &form, tools(), 1);
  Read out;
  std::size_t ended = 0;
  const auto take = [&](const std::vector<AnswerEvent>& events) {
    for (const AnswerEvent& event : events) {
      if (event.kind == AnswerEvent::Kind::reasoning) out.reasoning += event.text;
      if (event.kind == AnswerEvent::Kind::content) out.content += event.text;
      if (event.kind == AnswerEvent::Kind::call_begin) out.calls.push_back({event.id, event.name, "", false});
      const bool of_call =
          event.kind == AnswerEvent::Kind::call_arguments || event.kind == AnswerEvent::Kind::call_end;
      if (!of_call) continue;
      check(event.call + 1 == out.calls.size(), "calls come one after another");
      out.calls.back().arguments += event.text;
      if (event.kind == AnswerEvent::Kind::call_end) {
        out.calls.back().whole = event.whole;
        check(++ended == out.calls.size(), "a call ends once");
      }
    }
  };
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
    take(reader.push(text.substr(0, piece)));
  take(reader.finish());
  check(ended == out.calls.size(), "every call ends");
  check(out.content == reader.content() && out.reasoning == reader.reasoning() &&
            out.calls.size() == reader.calls().size(),
        "events add up to the answer");
  return out;
}

}  // namespace

void run(std::string_view input) {
  Input in(input);
  const auto& forms = call_forms();
  const CallForm& form = forms[in.below(forms.size())];
  const std::size_t how = in.below(6), piece = 1 + in.below(9);
  const std::string_view text = in.rest();
  const Read whole = read(form, how, text, text.size() + 1), cut = read(form, how, text, piece);
  check(whole.content == cut.content && whole.reasoning == cut.reasoning, "cuts change nothing");
  check(whole.calls.size() == cut.calls.size(), "cuts change no calls");
  for (std::size_t i = 0; i < whole.calls.size(); ++i) {
    const ToolCall &a = whole.calls[i], &b = cut.calls[i];
    check(a.name == b.name && a.id == b.id && a.arguments == b.arguments && a.whole == b.whole,
          "cuts change no call");
    check(a.name == "f" || a.name == "g", "only functions that are there are called");
    if (a.whole)
      check(nlohmann::json::parse(a.arguments, nullptr, false).is_object(), "arguments are an object");
  }
}

}  // namespace longhand::fuzz
