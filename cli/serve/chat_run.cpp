#include "cli/serve/chat_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/serve/api/api_error.h"
#include "cli/serve/api/sampling_fields.h"

namespace longhand::cli {

SamplerOptions nth_sampling(SamplerOptions options, int n) {
  if (options.seed != SamplerOptions().seed)
    options.seed = fold_seed(std::uint64_t(options.seed) + std::uint64_t(n));
  return options;
}

void check_room(const Service& service, std::size_t tokens) {
  if (tokens < std::size_t(service.context())) return;
  throw Error(
      Errc::context_full,
      fmt::format("the prompt has {} tokens, which leaves no room for an answer: the context holds {}",
                  tokens, service.context()));
}

namespace {

// A sampler follows one grammar, and the calls have theirs.
void check_grammars(const ChatAsk& ask) {
  if (ask.tools.empty() || ask.tool_options.choice == ToolChoice::none || ask.sampler.grammar.empty()) return;
  throw ApiError(400,
                 "an answer that may call tools follows their grammar and no other: leave out the tools, set "
                 "tool_choice to none, or leave out the format or grammar of the answer",
                 "tools");
}

}  // namespace

ChatRun::ChatRun(Service& service, ChatAsk ask, std::shared_ptr<RequestNote> note)
    : answers_(service.scheduler()), note_(std::move(note)) {
  check_grammars(ask);
  const ToolSet tools(service.written(), ask.tools, ask.tool_options);
  const ToolPrompt prompt = tools.prompt(ask.messages, ask.chat);
  check_room(service, prompt.tokens.size());
  tools.constrain(ask.sampler, prompt);
  for (int i = 0; i < ask.answers; ++i) {
    so_far_.push_back({tools.parser(prompt)});
    answers_.add({.prompt = prompt.tokens,
                  .sampler = Sampler(service.model(), nth_sampling(ask.sampler, i)),
                  .max_tokens = ask.max_tokens,
                  .stop = ask.stop,
                  .written_out = tools.written_out(),
                  .top_log_probabilities = ask.top_log_probabilities,
                  .priority = ask.priority,
                  .adapters = service.adapters().uses(ask.lora),
                  .speculation = ask.speculation});
  }
}

bool ChatRun::take(AnswerPart& part, ChatWriter& writer) {
  if (part.kind == AnswerPart::Kind::reading) return writer.reading(part.progress);
  ChatAnswerSoFar& answer = so_far_[part.index];
  const bool end = part.kind == AnswerPart::Kind::end;
  std::vector<AnswerEvent> events = end ? answer.parser.finish() : answer.parser.push(part.text);
  answer.steps.insert(answer.steps.end(), part.steps.begin(), part.steps.end());
  if (std::ranges::any_of(events, [](const auto& e) { return e.kind == AnswerEvent::Kind::reasoning; }))
    ++answer.reasoning_tokens;
  if (events.empty() && !part.steps.empty()) events.push_back({});  // for the sake of its steps
  for (const AnswerEvent& event : events)
    if (!writer.part(part.index, event, std::exchange(part.steps, {}))) return false;
  if (!end) return true;
  answer.result = part.result;
  note_->add(part.result);
  return writer.end(part.index, answer);
}

bool ChatRun::follow(const HttpRequest& request, ChatWriter& writer) {
  note_->left = !answers_.follow({.alive = request.alive,
                                  .take = [&](AnswerPart& part) { return take(part, writer); },
                                  .quiet = [&] { return writer.quiet(); }});
  return !note_->left;
}

bool ChatRun::gather(const HttpRequest& request) {
  ChatWriter nobody;
  if (!follow(request, nobody)) return false;
  for (const ChatAnswerSoFar& answer : so_far_)
    if (answer.result.error) std::rethrow_exception(answer.result.error);
  return true;
}

std::vector<ToolCall> whole_calls(const AnswerParser& said) {
  std::vector<ToolCall> calls;
  std::ranges::copy_if(said.calls(), std::back_inserter(calls), &ToolCall::whole);
  return calls;
}

const char* finish_reason(const RequestResult& result) noexcept {
  const bool cut = result.reason == StopReason::max_tokens || result.reason == StopReason::context_full;
  return cut ? "length" : "stop";
}

const char* finish_reason(const ChatAnswerSoFar& answer) noexcept {
  const char* reason = finish_reason(answer.result);
  if (std::string_view(reason) == "length") return reason;
  return std::ranges::any_of(answer.parser.calls(), &ToolCall::whole) ? "tool_calls" : reason;
}

ChatUsage usage_of(const std::vector<ChatAnswerSoFar>& answers) noexcept {
  ChatUsage usage;
  usage.prompt = answers[0].result.prompt_tokens;
  usage.cached = answers[0].result.cached_tokens;  // the others find what the first has read
  for (const ChatAnswerSoFar& answer : answers) {
    usage.written += answer.result.written_tokens;
    usage.reasoning += answer.reasoning_tokens;
  }
  return usage;
}

}  // namespace longhand::cli
