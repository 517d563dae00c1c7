// Prompt in, text out: sampling until something ends the text.

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "engine/api/access.h"
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

// Releases text only once it can no longer turn out to be the start of a stop string.
class StopFilter {
 public:
  explicit StopFilter(const std::vector<std::string>& stops) {
    std::copy_if(stops.begin(), stops.end(), std::back_inserter(stops_),
                 [](const std::string& s) { return !s.empty(); });
  }

  /// Text now certain to belong to the answer. After stopped() nothing more comes.
  std::string push(std::string_view text) {
    held_ += text;
    std::size_t end = std::string::npos;
    for (const std::string& stop : stops_) end = std::min(end, held_.find(stop));
    if (end != std::string::npos) {
      stopped_ = true;
      held_.resize(end);
      return std::exchange(held_, {});
    }
    const std::size_t keep = longest_start();
    std::string released = held_.substr(0, held_.size() - keep);
    held_.erase(0, released.size());
    return released;
  }
  std::string finish() { return std::exchange(held_, {}); }
  bool stopped() const { return stopped_; }

 private:
  // Length of the longest end of `held_` that some stop string begins with.
  std::size_t longest_start() const {
    std::size_t longest = 0;
    for (const std::string& stop : stops_) {
      for (std::size_t n = std::min(stop.size() - 1, held_.size()); n > longest; --n) {
        if (held_.ends_with(std::string_view(stop).substr(0, n))) longest = n;
      }
    }
    return longest;
  }

  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

// The answer on its way to the caller: whole characters, without stop strings.
class Answer {
 public:
  Answer(const GenerateOptions& options, const std::function<bool(std::string_view)>& on_text)
      : filter_(options.stop), on_text_(on_text) {}

  /// False when the text ends here.
  bool push(std::string_view bytes) {
    return release(filter_.push(characters_.push(bytes))) && !filter_.stopped();
  }
  void finish() {
    if (!filter_.stopped()) release(filter_.push(characters_.finish()));
    if (!filter_.stopped()) release(filter_.finish());
  }
  bool stopped() const { return filter_.stopped(); }
  std::string text;

 private:
  bool release(const std::string& more) {
    text += more;
    if (more.empty() || !on_text_ || refused_) return !refused_;
    refused_ = !on_text_(more);
    return !refused_;
  }

  Utf8Stream characters_;
  StopFilter filter_;
  const std::function<bool(std::string_view)>& on_text_;
  bool refused_ = false;  // the caller wants no more
};

}  // namespace

std::string_view stop_reason_name(StopReason reason) noexcept {
  constexpr std::array<std::string_view, 6> kNames = {"end of generation", "stop string", "token limit",
                                                      "context full",      "cancelled",   "stopped"};
  return kNames[std::size_t(reason)];
}

namespace {

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
  Answer answer(options, on_text);
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

GenerateResult generate(Session& session, std::span<const Token> prompt, Sampler& sampler,
                        const GenerateOptions& options,
                        const std::function<bool(std::string_view)>& on_text) {
  return translate_memory_errors([&] { return write_on(session, prompt, sampler, options, on_text); });
}

}  // namespace longhand
