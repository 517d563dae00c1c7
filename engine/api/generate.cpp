// Prompt in, text out: sampling until something ends the text.

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "engine/api/access.h"
#include "engine/api/answer_text.h"
#include "engine/api/verifier.h"
#include "engine/forward/model.h"
#include "engine/longhand.h"
#include "engine/sampling/log_probabilities.h"
#include "engine/text/tokenizer.h"
#include "engine/types/memory_errors.h"

namespace longhand {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// An empty prompt goes on from where the session stands. What fails has changed nothing.
std::span<const float> read_prompt(std::span<const Token> prompt, Session& session, Sampler& sampler) {
  if (prompt.empty()) return session.logits(session.size() - 1);
  const int before = session.size();
  const std::span<const float> logits = session.feed(prompt);
  try {
    sampler.accept(prompt);
  } catch (...) {
    session.rewind(before);
    throw;
  }
  return logits;
}

// Tells and keeps what was drawn. False where the caller wants no more.
bool note_token(const GenerateOptions& options, std::span<const float> logits, Token token,
                GenerateResult& result) {
  TokenStep step;
  step.token = token;
  const bool probabilities = options.top_log_probabilities >= 0;
  if (probabilities) step = token_step(logits, token, options.top_log_probabilities);
  result.tokens.push_back(token);
  const bool goes_on = !options.on_token || options.on_token(step);
  if (probabilities) result.steps.push_back(std::move(step));
  return goes_on;
}

GenerateResult write_on(Session& session, std::span<const Token> prompt, Sampler& sampler,
                        const GenerateOptions& options,
                        const std::function<bool(std::string_view)>& on_text) {
  GenerateResult result;
  result.prompt_tokens = int(prompt.size());
  AnswerText answer(options.stop, on_text);
  const auto start = Clock::now();
  std::span<const float> logits = read_prompt(prompt, session, sampler);
  result.prompt_seconds = seconds_since(start);

  const Tokenizer& tokenizer = model_data(session.model()).tokenizer;
  const auto vocab = std::size_t(tokenizer.size());  // embeddings may be padded beyond it
  Verifier text(session, options.speculation);
  const auto wanted = [&](const GenerateResult& r) {
    return options.max_tokens < 0 ? std::numeric_limits<int>::max()
                                  : std::max(0, options.max_tokens - int(r.tokens.size()));
  };
  const auto decode_start = Clock::now();
  try {
    while (true) {
      if (wanted(result) == 0) {
        result.reason = StopReason::max_tokens;
        break;
      }
      logits = logits.first(std::min(vocab, logits.size()));
      const Token token = sampler.pick(logits);
      if (tokenizer.ends_generation(token)) break;
      const bool wants_more = note_token(options, logits, token, result);
      const bool written_out = std::ranges::find(options.written_out, token) != options.written_out.end();
      if (!answer.push(tokenizer.piece(token, written_out)) || !wants_more) {
        result.reason = answer.stopped() ? StopReason::stop_string : StopReason::callback;
        break;
      }
      if (text.size() == session.context()) {
        result.reason = StopReason::context_full;
        break;
      }
      logits = text.feed(token, wanted(result) - 1);
    }
  } catch (const Error& e) {
    if (e.code() != Errc::cancelled) throw;
    result.reason = StopReason::cancelled;
  }
  answer.finish();
  if (answer.stopped()) result.reason = StopReason::stop_string;
  result.decode_seconds = seconds_since(decode_start);
  result.feeds = text.feeds();
  result.guesses = text.guesses();
  result.right_guesses = text.right_guesses();
  result.text = std::move(answer.text);
  return result;
}

}  // namespace

std::string_view stop_reason_name(StopReason reason) noexcept {
  constexpr std::array<std::string_view, 6> kNames = {"end of generation", "stop string", "token limit",
                                                      "context full",      "cancelled",   "stopped"};
  return kNames[std::size_t(reason)];
}

GenerateResult generate(Session& session, std::span<const Token> prompt, Sampler& sampler,
                        const GenerateOptions& options,
                        const std::function<bool(std::string_view)>& on_text) {
  return translate_memory_errors([&] { return write_on(session, prompt, sampler, options, on_text); });
}

}  // namespace longhand
