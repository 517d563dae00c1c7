#include "cli/chat/tool_chat.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/chat/watched.h"
#include "cli/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

// Whether a call is held to its form does not depend on the text before, so one sampler serves all answers.
SamplerOptions held_to(const ToolSet& tools, SamplerOptions options) {
  tools.constrain(options, {});
  return options;
}

ToolOptions tool_options(const std::string& choice) {
  ToolOptions out;
  if (choice != "auto") out.choice = ToolChoice::required;
  if (choice != "auto" && choice != "required") out.name = choice;
  return out;
}

ChatOptions chat_options(const ProgramSettings& settings) {
  ChatOptions out;
  out.thinking = settings.reasoning_budget == 0 ? false : settings.thinking;
  out.reasoning_effort = settings.effort;
  out.variables = settings.variables;
  return out;
}

}  // namespace

ToolChat::ToolChat(const Model& model, const ProgramSettings& settings, const SessionOptions& options,
                   const ChatTemplateOptions& written, Offer offer, Ends ends)
    : settings_(settings),
      model_(model),
      written_(model, written),
      first_(rule(offer.tools, offer.choice)),
      later_(rule(offer.tools, "auto")),
      session_(model, options),
      ends_(ends) {
  if (!settings_.system.empty()) messages_.push_back({"system", settings_.system});
  for (const std::string& warning : written_.warnings()) print_note(warning);
  for (const std::string& note : later_.tools.notes()) print_note(note);
  if (ends_.json) ends_.view.ready(session_, seed());
  if (ends_.input.interactive())
    print_note("Ctrl-C stops an answer, Ctrl-D leaves; this chat has no commands");
}

ToolChat::Rule ToolChat::rule(const std::string& tools, const std::string& choice) const {
  const ToolSet set(written_, tools, tool_options(choice));
  return {set, Sampler(model_, held_to(set, settings_.sampler))};
}

int ToolChat::status() const {
  if (const int signal = leave_signal()) return kSignalBase + signal;
  if (interrupted_) return kInterrupted;
  return failed_ && !ends_.input.interactive() ? kFailure : kSuccess;
}

int ToolChat::run() {
  while (!left_ && leave_signal() == 0) {
    const InputLine line = ends_.input.next("> ");
    if (line.event == InputEvent::interrupt) {
      take_interrupts();
      write_error("\n");
      interrupted_ = !ends_.input.interactive();
      if (interrupted_) break;
      continue;
    }
    if (line.event != InputEvent::line) break;
    if (line.text.find_first_not_of(" \t") == std::string::npos) continue;
    ends_.input.remember(line.text);
    send(line.text);
  }
  return status();
}

void ToolChat::send(const std::string& text) {
  const std::size_t before = messages_.size();
  try {
    messages_.push_back({"user", text});
    for (Rule* rule = &first_; true; rule = &later_) {
      const ToolPrompt prompt = rule->tools.prompt(messages_, chat_options(settings_));
      AnswerParser parser = rule->tools.parser(prompt);
      ends_.view.begin({settings_.show_reasoning, settings_.plain});
      if (ends_.show_prompt) ends_.view.prompt(model_.decode(prompt.tokens, true));
      const ChatAnswer written = answer(*rule, parser, prompt);
      messages_.push_back(parser.message());
      ends_.view.end(written, session_);
      if (messages_.back().tool_calls.empty() || !take_results(parser.calls())) break;
    }
  } catch (const Error& error) {
    messages_.resize(before);
    ends_.view.fail(error);
    if (error.code() != Errc::cancelled) failed_ = true;
  }
  interrupted_ = take_interrupts() > (ends_.input.interactive() ? 1 : 0);
  left_ = left_ || interrupted_;
}

bool ToolChat::show(const std::vector<AnswerEvent>& events) {
  for (const AnswerEvent& event : events) {
    if (event.kind == AnswerEvent::Kind::content) ends_.view.text(event.text, false);
    if (event.kind == AnswerEvent::Kind::reasoning) ends_.view.text(event.text, true);
  }
  return true;
}

// Reads what is new of the prompt, and writes.
ChatAnswer ToolChat::answer(Rule& rule, AnswerParser& parser, const ToolPrompt& prompt) {
  const Watched watched(session_, ends_.view);
  const auto held = session_.tokens();
  const auto same = std::size_t(std::ranges::mismatch(held, prompt.tokens).in1 - held.begin());
  // Logits come from feeding, so at least one token is fed again.
  const std::size_t keep = std::min(same, prompt.tokens.size() - 1);
  session_.rewind(int(keep));
  rule.sampler.begin_text(prompt.opens_reasoning ? 0 : -1);
  GenerateOptions options;
  options.max_tokens = settings_.max_tokens;
  options.stop = settings_.stop;
  options.written_out = rule.tools.written_out();
  const GenerateResult result =
      generate(session_, std::span(prompt.tokens).subspan(keep), rule.sampler, options,
               [&](std::string_view text) { return show(parser.push(text)); });
  show(parser.finish());
  return answer_of(result);
}

// False where somebody leaves instead.
bool ToolChat::take_results(const std::vector<ToolCall>& calls) {
  std::vector<ChatMessage> results;
  for (const ToolCall& call : calls) {
    if (!call.whole) continue;
    ends_.view.call(call);
    results.push_back({"tool", ""});
    results.back().tool_call_id = call.id;
    results.back().name = call.name;
  }
  for (std::size_t given = 0; given < results.size(); ++given) {
    if (!take_result(results, given)) {
      left_ = true;
      return false;
    }
  }
  messages_.insert(messages_.end(), results.begin(), results.end());
  return true;
}

// The result of a call; a person is asked for one after the other, a program says which it means.
bool ToolChat::take_result(std::vector<ChatMessage>& results, std::size_t next) {
  const InputLine line = ends_.input.next(results[next].name + " gives: ");
  if (line.event != InputEvent::line) return false;
  if (!ends_.json) {
    results[next].content = line.text;
    return true;
  }
  const Json given = Json::parse(line.text, nullptr, false);
  if (!given.is_object() || !given.contains("content"))
    throw Error(Errc::type, "the result of a call must be a line {\"tool_call_id\": ..., \"content\": ...}");
  const std::string id = given.value("tool_call_id", results[next].tool_call_id);
  const auto call = std::ranges::find(results, id, &ChatMessage::tool_call_id);
  if (call == results.end())
    throw Error(Errc::range, fmt::format("the result is of no call \"{}\"", escape_controls(id, 60)));
  const Json& content = given["content"];
  call->content = content.is_string() ? content.get<std::string>() : content.dump();
  return true;
}

}  // namespace longhand::cli
