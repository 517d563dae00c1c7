#include "engine/serve/running.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "engine/sampling/log_probabilities.h"
#include "engine/types/memory_errors.h"

namespace longhand {
namespace {

double lap(Running::Clock::time_point& since) {
  const auto now = Running::Clock::now();
  return std::chrono::duration<double>(now - std::exchange(since, now)).count();
}

}  // namespace

Running::Running(std::uint64_t n, Request r, RequestListener listener, std::shared_ptr<const Adaptation> with)
    : number(n),
      request(std::move(r)),
      adaptation(std::move(with)),
      listener_(std::move(listener)),
      answer_(request.stop, listener_.on_text) {
  result_.prompt_tokens = int(request.prompt.size());
}

void Running::begin(Session from, int cached) {
  session.emplace(std::move(from));
  fed_ = result_.cached_tokens = cached;
  result_.wait_seconds = lap(since_);
  if (listener_.on_reading) listener_.on_reading({result_.prompt_tokens, cached, fed_});
}

std::span<const Token> Running::wanted() const noexcept {
  if (reading()) return std::span(request.prompt).subspan(std::size_t(fed_));
  return {&next_, 1};
}

bool Running::was_fed(int n) {
  if (!reading()) return true;
  fed_ += n;
  try {
    if (listener_.on_reading) listener_.on_reading({result_.prompt_tokens, result_.cached_tokens, fed_});
  } catch (...) {
    end(StopReason::callback, std::current_exception());
    return false;
  }
  return true;
}

bool Running::draw() {
  if (!std::exchange(writing_, true)) result_.prompt_seconds = lap(since_);
  try {
    return draw_from(session->logits(session->size() - 1), session->size());
  } catch (...) {
    end(StopReason::callback, std::current_exception());
    return false;
  }
}

bool Running::go_on_alone(const MakeGuesses& make) {
  try {
    if (!speculation_) speculation_ = make(*session, *request.speculation);
  } catch (const Error& error) {
    if (error.code() == Errc::no_memory) return give_up_guessing();
    end(StopReason::callback, std::current_exception());
    return false;
  }
  if (!verifier_) verifier_.emplace(*session, speculation_.get());
  const int left = request.max_tokens < 0 ? std::numeric_limits<int>::max()
                                          : request.max_tokens - result_.written_tokens - 1;
  std::span<const float> logits;
  try {
    logits = translate_memory_errors([&] { return verifier_->feed(next_, left); });
  } catch (const Error& error) {
    if (error.code() == Errc::no_memory) return give_up_guessing();
    throw;
  }
  try {
    return draw_from(logits, verifier_->size());
  } catch (...) {
    end(StopReason::callback, std::current_exception());
    return false;
  }
}

// The answer goes on without.
bool Running::give_up_guessing() noexcept {
  stop_guessing();
  speculation_.reset();
  request.speculation.reset();
  return true;
}

void Running::stop_guessing() noexcept {
  if (!verifier_) return;
  result_.guesses += verifier_->guesses();
  result_.right_guesses += verifier_->right_guesses();
  verifier_.reset();
}

// From the logits after a text of `size` tokens.
bool Running::draw_from(std::span<const float> logits, int size) {
  const auto ends = [this](StopReason reason) {
    end(reason);
    return false;
  };
  if (request.max_tokens >= 0 && result_.written_tokens >= request.max_tokens)
    return ends(StopReason::max_tokens);
  const Tokenizer& tokenizer = model_data(session->model()).tokenizer;
  logits = logits.first(std::min(std::size_t(tokenizer.size()), logits.size()));
  const Token token = request.sampler.pick(logits);
  if (tokenizer.ends_generation(token)) return ends(StopReason::end_of_generation);
  next_ = token;
  ++result_.written_tokens;
  bool goes_on = true;
  if (listener_.on_token) {
    TokenStep step;
    step.token = token;
    if (request.top_log_probabilities >= 0) step = token_step(logits, token, request.top_log_probabilities);
    goes_on = listener_.on_token(step);
  }
  const bool written_out = std::ranges::find(request.written_out, token) != request.written_out.end();
  const bool more = answer_.push(tokenizer.piece(token, written_out));
  if (!more || !goes_on) return ends(answer_.stopped() ? StopReason::stop_string : StopReason::callback);
  if (request.max_tokens >= 0 && result_.written_tokens >= request.max_tokens)
    return ends(StopReason::max_tokens);
  return size < session->context() || ends(StopReason::context_full);
}

void Running::end(StopReason reason, std::exception_ptr error) {
  stop_guessing();
  result_.reason = reason;
  result_.error = std::move(error);
  double& phase = !session ? result_.wait_seconds : writing_ ? result_.write_seconds : result_.prompt_seconds;
  phase = lap(since_);
  if (result_.error) return;
  try {
    answer_.finish();
    if (answer_.stopped()) result_.reason = StopReason::stop_string;
    result_.stop = answer_.stop();
  } catch (...) { result_.error = std::current_exception(); }
}

void Running::tell_end() const noexcept {
  try {
    if (listener_.on_end) listener_.on_end(result_);
  } catch (...) {}  // a listener's own failure is nobody else's
}

SchedulerStatus::Slot Running::slot() const noexcept {
  return {number, result_.prompt_tokens, fed_, result_.cached_tokens, result_.written_tokens};
}

}  // namespace longhand
