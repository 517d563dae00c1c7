// A conversation, and a model's session kept in step with it.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/api/access.h"
#include "engine/chat/chat_template.h"
#include "engine/chat/context_shift.h"
#include "engine/chat/conversation.h"
#include "engine/chat/offered_tools.h"
#include "engine/chat/tools/tool_set.h"
#include "engine/forward/model.h"

namespace longhand {
namespace {

// Room for an answer that turns are dropped for, before it starts. Less would stop most answers midway.
constexpr int kAnswerRoom = 256;

// An answer on its way.
struct Writing {
  const ChatListener& listener;
  const ToolSet* tools = nullptr;  // that it may call
  Sampler* sampler = nullptr;
  ChatAnswer answer = {};
  std::vector<Token> tokens = {};
  std::optional<ReasoningSplitter> splitter = {};
  std::optional<AnswerParser> parser = {};  // where there are tools
  bool reasoned = false;                    // the budget of reasoning is used up

  bool pass(const std::string& text, bool reasoning) {
    (reasoning ? answer.reasoning : answer.text) += text;
    return !listener.on_text || listener.on_text(text, reasoning);
  }
  bool pass(const std::vector<ReasoningSpan>& spans) {
    bool goes_on = true;
    for (const ReasoningSpan& span : spans)
      goes_on = pass(span.text, span.kind != ReasoningSpan::Kind::answer) && goes_on;
    return goes_on;
  }
  bool pass(const std::vector<AnswerEvent>& events) {
    bool goes_on = true;
    for (const AnswerEvent& event : events) {
      const bool reasoning = event.kind == AnswerEvent::Kind::reasoning;
      if (reasoning || event.kind == AnswerEvent::Kind::content)
        goes_on = pass(event.text, reasoning) && goes_on;
    }
    return goes_on;
  }
  bool push(std::string_view text) {
    const std::vector<ReasoningSpan> spans = splitter->push(text);  // which knows where reasoning is, too
    return parser ? pass(parser->push(text)) : pass(spans);
  }
  void finish() {
    if (parser) {
      pass(parser->finish());
    } else {
      pass(splitter->finish());
    }
    answer.written_tokens = int(tokens.size());
  }
  // That wait for their results.
  std::vector<ToolCall> calls() const {
    if (!parser || answer.reason == StopReason::cancelled) return {};
    std::vector<ToolCall> whole = parser->calls();
    std::erase_if(whole, [](const ToolCall& call) { return !call.whole; });
    return whole;
  }
};

// What all answers of a turn took; text is that of the last.
void add(ChatAnswer& sum, const ChatAnswer& next) {
  ChatAnswer all = next;
  all.dropped_turns += sum.dropped_turns;
  all.read_tokens += sum.read_tokens;
  all.written_tokens += sum.written_tokens;
  all.moved_tokens += sum.moved_tokens;
  all.read_seconds += sum.read_seconds;
  all.write_seconds += sum.write_seconds;
  sum = std::move(all);
}

}  // namespace

struct Chat::Impl {
  Impl(const Model& model, ChatSettings given, const SessionOptions& options,
       const ChatTemplateOptions& written_as)
      : settings(std::move(given)),
        written(model, written_as),
        session(model, options),
        sampler(model, settings.sampler),
        marker_tokens(written.reasoning_tokens()) {
    conversation.emplace(written.impl_->format, tokenizer());
    apply_settings();
  }

  const Tokenizer& tokenizer() const { return model_data(session.model()).tokenizer; }
  const std::vector<ChatTurn>& turns() const { return conversation->turns(); }
  const ChatFormat& format() const { return written.impl_->format; }

  void apply_settings();
  void reset_samplers();
  template <class Begin>
  ChatAnswer answer_turn(Begin begin, const ChatListener& listener);
  ChatAnswer write_turn(const ChatListener& listener);
  bool take_results(const Writing& writing);
  OfferedTools make_tools(std::string json, const ToolOptions& how, const SamplerOptions& sampling) const;
  TurnPlan plan(std::size_t written_tokens);
  TurnPlan begin(Writing& writing);
  bool write_more(Writing& writing);
  bool close_reasoning(Writing& writing);

  ChatSettings settings;
  ChatTemplate written;
  Session session;
  Sampler sampler;
  std::vector<Token> marker_tokens;
  std::optional<Speculation> speculation;
  std::optional<OfferedTools> tools;
  std::optional<Conversation> conversation;  // always there; optional so that it can be put back
};

Chat::Chat(const Model& model, ChatSettings settings, const SessionOptions& options,
           const ChatTemplateOptions& written)
    : impl_(std::make_unique<Impl>(model, std::move(settings), options, written)) {}
Chat::~Chat() = default;
Chat::Chat(Chat&&) noexcept = default;
Chat& Chat::operator=(Chat&&) noexcept = default;

const ChatSettings& Chat::settings() const noexcept { return impl_->settings; }
const std::vector<ChatTurn>& Chat::turns() const noexcept { return impl_->turns(); }
int Chat::forgotten() const noexcept { return int(impl_->conversation->forgotten()); }
int Chat::kept() const noexcept { return int(impl_->conversation->kept()); }
std::span<const AnswerTokens> Chat::sampled() const noexcept { return impl_->conversation->sampled(); }
const ChatTemplate& Chat::written() const noexcept { return impl_->written; }
const Model& Chat::model() const noexcept { return impl_->session.model(); }
std::uint32_t Chat::seed() const noexcept { return impl_->sampler.seed(); }
Session& Chat::session() noexcept { return impl_->session; }
const Session& Chat::session() const noexcept { return impl_->session; }

ChatAnswer Chat::ask(const std::string& message, const ChatListener& listener) {
  return impl_->answer_turn([&] { impl_->conversation->ask(message); }, listener);
}

ChatAnswer Chat::retry(const ChatListener& listener) {
  return impl_->answer_turn([this] { impl_->conversation->retry(); }, listener);
}

bool Chat::undo() { return impl_->conversation->undo(); }

void Chat::clear() {
  impl_->conversation->clear();
  impl_->reset_samplers();
}

void Chat::change(ChatSettings settings) {
  Sampler sampler(model(), settings.sampler);
  std::optional<OfferedTools> tools;
  if (impl_->tools)
    tools.emplace(impl_->make_tools(impl_->tools->json, impl_->tools->options, settings.sampler));
  impl_->sampler = std::move(sampler);
  impl_->tools = std::move(tools);
  impl_->settings = std::move(settings);
  impl_->apply_settings();
}

void Chat::restore(ChatSettings settings, std::vector<ChatTurn> turns, std::vector<AnswerTokens> sampled) {
  change(std::move(settings));
  impl_->conversation->restore(std::move(turns), std::move(sampled));
  impl_->reset_samplers();
}

void Chat::offer(std::string tools, const ToolOptions& options) {
  if (tools.empty()) {
    impl_->tools.reset();
  } else {
    impl_->tools.emplace(impl_->make_tools(std::move(tools), options, impl_->settings.sampler));
  }
}

const std::string& Chat::offered() const noexcept {
  static const std::string none;
  return impl_->tools ? impl_->tools->json : none;
}

std::vector<std::string> Chat::tool_notes() const {
  return impl_->tools ? impl_->tools->later.notes() : std::vector<std::string>();
}

void Chat::speculate(std::optional<Speculation> speculation) { impl_->speculation = std::move(speculation); }

Chat::WayBack Chat::way_back() const {
  if (turns().empty()) return {};
  Conversation before = *impl_->conversation;
  before.retry();
  const auto context = std::size_t(session().context());
  try {
    const int to = int(before.plan_turn(session().tokens(), context, 1).rewind_to);
    return {to, session().rewind_cost(to)};
  } catch (const Error& error) {
    if (error.code() != Errc::context_full) throw;
    return {};
  }
}

std::size_t Chat::tokens_with(const std::string& message) const {
  Conversation longer = *impl_->conversation;
  longer.restore(turns());  // nothing is forgotten
  longer.ask(message);
  const TurnPlan all = longer.plan_turn({}, std::numeric_limits<std::size_t>::max(), 0);
  return all.rewind_to + all.new_tokens.size();
}

void Chat::Impl::apply_settings() {
  conversation->set_system(settings.system);
  conversation->keep(std::size_t(std::max(settings.keep, 0)));
  conversation->set_options({.add_generation_prompt = true,
                             .thinking = settings.reasoning_budget == 0 ? false : settings.thinking,
                             .reasoning_effort = settings.effort,
                             .variables = settings.variables});
}

void Chat::Impl::reset_samplers() {
  sampler.reset();
  if (!tools) return;
  tools->before.reset();
  tools->after.reset();
}

template <class Begin>
ChatAnswer Chat::Impl::answer_turn(Begin begin, const ChatListener& listener) {
  Conversation before = *conversation;
  try {
    Conversation::WritePieces pieces;
    if (tools && listener.on_calls)
      pieces = [set = tools->later](auto messages, const ChatOptions& how) {
        return set.impl_->pieces(messages, how);
      };
    conversation->write_with(std::move(pieces));
    begin();
    return write_turn(listener);
  } catch (...) {
    conversation.emplace(std::move(before));
    throw;
  }
}

OfferedTools Chat::Impl::make_tools(std::string json, const ToolOptions& how,
                                    const SamplerOptions& sampling) const {
  SamplerOptions drawn = sampling;
  drawn.seed = sampler.seed();
  return {written, session.model(), std::move(json), how, drawn};
}

// The answer, and those before it that call functions.
ChatAnswer Chat::Impl::write_turn(const ChatListener& listener) {
  ChatAnswer sum;
  for (bool called = false;; called = true) {
    Writing writing{.listener = listener, .sampler = &sampler};
    if (tools && listener.on_calls) {
      writing.tools = called ? &tools->later : &tools->first;
      writing.sampler = called ? &tools->after : &tools->before;
    }
    // A context that fills up in the middle of an answer: forget more turns, read the rest again, and write
    // on.
    while (write_more(writing)) {}
    writing.finish();
    add(sum, writing.answer);
    if (take_results(writing)) continue;
    const bool cut = sum.reason != StopReason::end_of_generation;
    conversation->answer({sum.text, sum.reasoning, std::move(writing.tokens), cut});
    return sum;
  }
}

// False where nothing was called.
bool Chat::Impl::take_results(const Writing& writing) {
  const std::vector<ToolCall> calls = writing.calls();
  if (calls.empty()) return false;
  const auto results = writing.listener.on_calls(calls, writing.answer);
  if (!results) throw Error(Errc::cancelled, "the results of the calls did not come");
  if (results->size() != calls.size())
    throw Error(Errc::range,
                fmt::format("{} results for {} calls, must be as many", results->size(), calls.size()));
  std::vector<ChatMessage> step = {writing.parser->message()};
  for (std::size_t i = 0; i < calls.size(); ++i) {
    ChatMessage& result = step.emplace_back(ChatMessage{"tool", (*results)[i]});
    result.tool_call_id = calls[i].id;
    result.name = calls[i].name;
  }
  conversation->step(std::move(step));
  return true;
}

TurnPlan Chat::Impl::plan(std::size_t written_tokens) {
  const int wanted = settings.max_tokens >= 0 ? std::min(settings.max_tokens, kAnswerRoom) : kAnswerRoom;
  const int room = std::clamp(wanted, 1, std::max(1, session.context() / 4));
  const auto context = std::size_t(session.context());
  try {
    return conversation->plan_turn(session.tokens(), context, written_tokens + std::size_t(room));
  } catch (const Error& error) {
    if (error.code() != Errc::context_full) throw;
  }
  // A short answer is better than none.
  return conversation->plan_turn(session.tokens(), context, written_tokens + 1);
}

// What the session holds becomes what the turn begins with; the rest of the turn's tokens is left to be fed.
TurnPlan Chat::Impl::begin(Writing& writing) {
  TurnPlan turn = plan(writing.tokens.size());
  writing.answer.dropped_turns += turn.dropped_turns;
  if (!writing.splitter) {
    writing.splitter.emplace(settings.reasoning_apart ? format().reasoning() : ReasoningStyle{},
                             turn.opens_reasoning);
    if (writing.tools != nullptr) {
      writing.parser.emplace(writing.tools->parser({turn.new_tokens, turn.opens_reasoning}));
      writing.sampler->begin_text(turn.opens_reasoning ? 0 : -1);
    }
  }
  turn.new_tokens.insert(turn.new_tokens.end(), writing.tokens.begin(), writing.tokens.end());
  const std::size_t agrees = turn.rewind_to;
  if (settings.context_shift && turn.dropped_turns > 0) move_kept_turns(session, turn);
  writing.answer.moved_tokens += int(turn.rewind_to - agrees);
  session.rewind(int(turn.rewind_to));
  if (writing.listener.on_prompt) {
    std::vector<Token> all(session.tokens().begin(), session.tokens().end());
    all.insert(all.end(), turn.new_tokens.begin(), turn.new_tokens.end());
    writing.listener.on_prompt(tokenizer().decode(all, false, true));
  }
  if (writing.listener.on_reading) writing.listener.on_reading(int(turn.new_tokens.size()));
  return turn;
}

// One run of the model; true if it stopped only because turns have to be dropped first, or reasoning took too
// long.
bool Chat::Impl::write_more(Writing& writing) {
  const TurnPlan turn = begin(writing);
  const int written = int(writing.tokens.size());
  const int most = settings.max_tokens >= 0 ? settings.max_tokens - written : -1;
  const bool may_reason = format().reasoning().form == ReasoningStyle::Form::pair && !writing.reasoned;
  const bool watched =
      may_reason && settings.reasoning_budget > 0 && (most < 0 || settings.reasoning_budget < most);
  GenerateOptions options;
  options.written_out = writing.tools == nullptr ? marker_tokens : writing.tools->written_out();
  options.stop = settings.stop;
  options.speculation = speculation && writing.tools == nullptr ? &*speculation : nullptr;
  options.max_tokens = watched ? settings.reasoning_budget : most;
  const GenerateResult result = generate(session, turn.new_tokens, *writing.sampler, options,
                                         [&writing](std::string_view text) { return writing.push(text); });
  writing.tokens.insert(writing.tokens.end(), result.tokens.begin(), result.tokens.end());
  writing.answer.reason = result.reason;
  writing.answer.read_tokens += result.prompt_tokens;
  writing.answer.read_seconds += result.prompt_seconds;
  writing.answer.write_seconds += result.decode_seconds;
  if (watched && result.reason == StopReason::max_tokens) return close_reasoning(writing);
  return result.reason == StopReason::context_full && conversation->can_forget();
}

// The budget of reasoning is used up; true: the answer goes on.
bool Chat::Impl::close_reasoning(Writing& writing) {
  writing.reasoned = true;
  if (!writing.splitter->inside()) return true;
  const std::string end = "\n" + format().reasoning().close + "\n\n";
  const std::vector<Token> tokens =
      tokenizer().encode(end, {.add_special = false, .parse_special = true, .continues_text = true});
  writing.tokens.insert(writing.tokens.end(), tokens.begin(), tokens.end());
  return writing.push(end);
}

}  // namespace longhand
