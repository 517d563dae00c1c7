#include "cli/chat_session.h"

#include <algorithm>
#include <utility>

namespace longhand::cli {
namespace {

// Room for an answer that turns are dropped for, before it starts. Less would stop most answers in the
// middle.
constexpr int kAnswerRoom = 256;

std::size_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
  const auto [end, ignored] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end - a.begin());
}

}  // namespace

ChatSession::ChatSession(const Model& model, const SessionOptions& options, ChatSettings settings)
    : settings_(std::move(settings)), session_(model, options), sampler_(model, settings_.sampler) {}

ChatAnswer ChatSession::ask(const std::string& text, const OnText& on_text) {
  const auto turns_before = turns_;
  turns_.push_back({text, "", false});
  try {
    return answer_last(on_text);
  } catch (...) {
    turns_ = turns_before;
    throw;
  }
}

ChatAnswer ChatSession::retry(const OnText& on_text) {
  const auto turns_before = turns_;
  turns_.back().answer.clear();
  try {
    return answer_last(on_text);
  } catch (...) {
    turns_ = turns_before;
    throw;
  }
}

bool ChatSession::undo() {
  if (turns_.empty()) return false;
  turns_.pop_back();
  return true;
}

void ChatSession::clear() {
  turns_.clear();
  sampler_.reset();
}

void ChatSession::change(ChatSettings settings) {
  Sampler sampler(model(), settings.sampler);
  sampler_ = std::move(sampler);
  settings_ = std::move(settings);
}

ChatAnswer ChatSession::answer_last(const OnText& on_text) {
  session_.clear_cancel();
  ChatAnswer answer;
  std::vector<Token> written;
  // A context that fills up in the middle of an answer: forget more turns, read the rest again, and write on.
  while (answer_more(answer, written, on_text)) {}
  turns_.back().stopped = answer.reason != StopReason::end_of_generation;
  answer.written_tokens = static_cast<int>(written.size());
  add_to_totals(answer);
  return answer;
}

// One run of the model; true if it stopped only because turns have to be dropped first.
bool ChatSession::answer_more(ChatAnswer& answer, std::vector<Token>& written, const OnText& on_text) {
  std::vector<Token> prompt = prompt_tokens();
  const int dropped = make_room(prompt, written.size());
  answer.dropped_turns += dropped;
  prompt.insert(prompt.end(), written.begin(), written.end());

  // At least one token has to be fed to get logits.
  const std::size_t reused = std::min(common_prefix(session_.tokens(), prompt), prompt.size() - 1);
  session_.rewind(static_cast<int>(reused));
  GenerateOptions options;
  if (settings_.max_tokens >= 0) options.max_tokens = settings_.max_tokens - static_cast<int>(written.size());
  const auto result =
      generate(session_, std::span(prompt).subspan(reused), sampler_, options, [&](std::string_view text) {
        turns_.back().answer += text;
        on_text(text);
        return true;
      });
  written.insert(written.end(), result.tokens.begin(), result.tokens.end());
  answer.reason = result.reason;
  answer.read_tokens += result.prompt_tokens;
  answer.read_seconds += result.prompt_seconds;
  answer.write_seconds += result.decode_seconds;
  return result.reason == StopReason::context_full && turns_.size() > 1;
}

// Drops the oldest turns until the prompt, what is written and some more fit; returns how many.
int ChatSession::make_room(std::vector<Token>& prompt, std::size_t written) {
  const int wanted = settings_.max_tokens >= 0 ? std::min(settings_.max_tokens, kAnswerRoom) : kAnswerRoom;
  const auto room = static_cast<std::size_t>(std::clamp(wanted, 1, std::max(1, session_.context() / 4)));
  int dropped = 0;
  while (prompt.size() + written + room > static_cast<std::size_t>(session_.context()) && turns_.size() > 1) {
    turns_.erase(turns_.begin());
    prompt = prompt_tokens();
    ++dropped;
  }
  return dropped;
}

void ChatSession::add_to_totals(const ChatAnswer& answer) {
  totals_.answers += 1;
  totals_.read_tokens += answer.read_tokens;
  totals_.written_tokens += answer.written_tokens;
  totals_.read_seconds += answer.read_seconds;
  totals_.write_seconds += answer.write_seconds;
}

}  // namespace longhand::cli
