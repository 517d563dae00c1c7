#include "cli/chat_session.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "cli/context_hint.h"
#include "engine/model.h"

namespace longhand::cli {
namespace {

// Room for an answer that turns are dropped for, before it starts. Less would stop most answers midway.
constexpr int kAnswerRoom = 256;

const Tokenizer& tokenizer_of(const Model& model) { return model.data().tokenizer; }

ChatSource source_of(const Model& model, std::optional<jinja::CivilTime> now) {
  ChatSource source = chat_source(tokenizer_of(model).vocab());
  source.now = now;
  return source;
}

}  // namespace

// An answer on its way.
struct ChatSession::Writing {
  const AnswerListener& listener;
  ChatAnswer answer;
  std::vector<Token> tokens;
  std::string content, reasoning;
  std::optional<ReasoningSplitter> splitter;

  void pass(const std::vector<ReasoningSpan>& spans) {
    for (const ReasoningSpan& span : spans) {
      (span.kind == ReasoningSpan::Kind::answer ? content : reasoning) += span.text;
      listener.on_text(span);
    }
  }
};

ChatSession::ChatSession(const Model& model, const SessionOptions& options, ChatSettings settings,
                         std::optional<jinja::CivilTime> now)
    : settings_(std::move(settings)),
      options_(options),
      session_(model, options),
      sampler_(model, settings_.sampler),
      format_(source_of(model, now)),
      marker_tokens_(marker_tokens(format_.reasoning(), tokenizer_of(model))) {
  conversation_.emplace(format_, tokenizer_of(session_.model()));
  apply_settings();
}

void ChatSession::apply_settings() {
  conversation_->set_system(settings_.system);
  conversation_->set_options(
      {.add_generation_prompt = true, .thinking = settings_.thinking, .reasoning_effort = settings_.effort});
}

std::vector<std::string> ChatSession::warnings() const {
  std::vector<std::string> out = format_.warnings();
  if (begins_twice(format_, tokenizer_of(model()))) {
    out.push_back("the chat template and the vocabulary both begin a text: the model sees that token twice");
  }
  return out;
}

ChatAnswer ChatSession::ask(const std::string& text, const AnswerListener& listener) {
  return answer_turn([&] { conversation_->ask(text); }, listener);
}

ChatAnswer ChatSession::retry(const AnswerListener& listener) {
  return answer_turn([this] { conversation_->retry(); }, listener);
}

bool ChatSession::undo() { return conversation_->undo(); }

ChatSession::WayBack ChatSession::way_back() const {
  if (turns().empty()) return {};
  Conversation before = *conversation_;
  before.retry();
  const auto context = static_cast<std::size_t>(session_.context());
  try {
    const int to = static_cast<int>(before.plan_turn(session_.tokens(), context, 1).rewind_to);
    return {to, session_.rewind_cost(to)};
  } catch (const Error& error) {
    if (error.code() != Errc::context_full) throw;
    return {};
  }
}

void ChatSession::clear() {
  conversation_->clear();
  sampler_.reset();
}

void ChatSession::change(ChatSettings settings) {
  sampler_ = Sampler(model(), settings.sampler);
  settings_ = std::move(settings);
  apply_settings();
}

void ChatSession::restore(ChatSettings settings, std::vector<ChatTurn> turns) {
  change(std::move(settings));
  conversation_->restore(std::move(turns));
  sampler_.reset();
}

template <class Begin>
ChatAnswer ChatSession::answer_turn(Begin begin, const AnswerListener& listener) {
  Conversation before = *conversation_;
  try {
    begin();
    return write(listener);
  } catch (...) {
    conversation_.emplace(std::move(before));
    throw;
  }
}

ChatAnswer ChatSession::write(const AnswerListener& listener) {
  Writing writing{listener, {}, {}, {}, {}, {}};
  // A context that fills up in the middle of an answer: forget more turns, read the rest again, and write on.
  while (write_more(writing)) {}
  writing.pass(writing.splitter->finish());
  const std::string raw = tokenizer_of(model()).decode(writing.tokens, false, true);
  writing.answer.written_tokens = static_cast<int>(writing.tokens.size());
  const bool cut = writing.answer.reason != StopReason::end_of_generation;
  conversation_->answer({writing.content, writing.reasoning, raw, std::move(writing.tokens), cut});
  add_to_totals(writing.answer);
  return writing.answer;
}

TurnPlan ChatSession::plan(std::size_t written) {
  const int wanted = settings_.max_tokens >= 0 ? std::min(settings_.max_tokens, kAnswerRoom) : kAnswerRoom;
  const int room = std::clamp(wanted, 1, std::max(1, session_.context() / 4));
  const auto context = static_cast<std::size_t>(session_.context());
  try {
    return conversation_->plan_turn(session_.tokens(), context, written + static_cast<std::size_t>(room));
  } catch (const Error& error) {
    if (error.code() != Errc::context_full) throw;
  }
  try {  // a short answer is better than none
    return conversation_->plan_turn(session_.tokens(), context, written + 1);
  } catch (const Error& error) {
    if (error.code() != Errc::context_full) throw;
    throw with_context_hint(error, session_, options_, whole_length() + written + kAnswerRoom);
  }
}

// Tokens of the conversation when nothing of it is forgotten.
std::size_t ChatSession::whole_length() {
  const TurnPlan all = conversation_->plan_turn({}, std::numeric_limits<std::size_t>::max(), 0);
  return all.rewind_to + all.new_tokens.size();
}

// One run of the model; true if it stopped only because turns have to be dropped first.
bool ChatSession::write_more(Writing& writing) {
  TurnPlan turn = plan(writing.tokens.size());
  writing.answer.dropped_turns += turn.dropped_turns;
  if (!writing.splitter) writing.splitter.emplace(format_.reasoning(), turn.opens_reasoning);
  turn.new_tokens.insert(turn.new_tokens.end(), writing.tokens.begin(), writing.tokens.end());

  session_.rewind(static_cast<int>(turn.rewind_to));
  if (writing.listener.on_prompt) {
    std::vector<Token> all(session_.tokens().begin(), session_.tokens().end());
    all.insert(all.end(), turn.new_tokens.begin(), turn.new_tokens.end());
    writing.listener.on_prompt(tokenizer_of(model()).decode(all, false, true));
  }
  if (writing.listener.on_reading) writing.listener.on_reading(static_cast<int>(turn.new_tokens.size()));
  GenerateOptions options;
  options.written_out = marker_tokens_;
  options.speculation = speculation_ ? &*speculation_ : nullptr;
  if (settings_.max_tokens >= 0)
    options.max_tokens = settings_.max_tokens - static_cast<int>(writing.tokens.size());
  const GenerateResult result =
      generate(session_, turn.new_tokens, sampler_, options, [&writing](std::string_view text) {
        writing.pass(writing.splitter->push(text));
        return true;
      });
  writing.tokens.insert(writing.tokens.end(), result.tokens.begin(), result.tokens.end());
  writing.answer.reason = result.reason;
  writing.answer.read_tokens += result.prompt_tokens;
  writing.answer.read_seconds += result.prompt_seconds;
  writing.answer.write_seconds += result.decode_seconds;
  return result.reason == StopReason::context_full && turns().size() > 1;
}

void ChatSession::add_to_totals(const ChatAnswer& answer) {
  totals_.answers += 1;
  totals_.read_tokens += answer.read_tokens;
  totals_.written_tokens += answer.written_tokens;
  totals_.read_seconds += answer.read_seconds;
  totals_.write_seconds += answer.write_seconds;
}

}  // namespace longhand::cli
