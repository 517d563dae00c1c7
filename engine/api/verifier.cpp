#include "engine/api/verifier.h"

#include <algorithm>
#include <chrono>
#include <new>

#include "engine/api/session_impl.h"
#include "engine/api/speculation.h"
#include "engine/forward/model.h"
#include "engine/longhand.h"
#include "engine/types/memory_errors.h"

namespace longhand {
namespace {

template <class Function>
double seconds_of(const Function& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void refuse_use(Session& session, bool refuse) noexcept {
  if (auto* impl = Access::impl(session)) impl->feeding = refuse;
}

// Guesses that cannot be made are none: the text does not depend on them.
std::span<const Token> ask(Guesser& guesser, std::span<const Token> text, Token next, int most) {
  try {
    return guesser.propose(text, next, most);
  } catch (const Error& e) {
    if (e.code() == Errc::cancelled) throw;
  } catch (const std::bad_alloc&) {}
  return {};
}

}  // namespace

struct Verifier::OwnUse {
  Session& session;
  explicit OwnUse(Session& s) : session(s) { refuse_use(session, false); }
  ~OwnUse() { refuse_use(session, true); }
};

Verifier::Verifier(Session& session, Speculation* speculation)
    : session_(session),
      speculation_(speculation),
      vocab_(std::size_t(model_data(session.model()).config.vocab)) {
  refuse_use(session_, true);
}

// Sizes within the text are always in range, and nobody else has changed it: nothing here can fail.
Verifier::~Verifier() {
  refuse_use(session_, false);
  take_back();
}

int Verifier::size() const noexcept { return session_.size() - int(batch_.size() - known_); }

std::span<const float> Verifier::feed(Token token, int more) {
  const OwnUse own(session_);
  if (known_ < batch_.size()) {
    const bool right = batch_[known_] == token;
    Access::impl(*speculation_).pace.judged(right);
    if (right) {
      ++right_;
      return row(known_++);
    }
  }
  take_back();
  std::vector<Token> batch;
  if (speculation_ != nullptr) batch = with_guesses(token, more);
  ++feeds_;
  return batch.empty() ? feed_single(token) : feed_batch(std::move(batch));
}

// The text as it would be without guesses.
void Verifier::take_back() {
  if (known_ < batch_.size()) session_.rewind(size());
  batch_.clear();
  known_ = 0;
}

// Empty where a single token is better.
std::vector<Token> Verifier::with_guesses(Token token, int more) {
  Access::SpeculationImpl& s = Access::impl(*speculation_);
  int most = std::min({more, session_.context() - session_.size() - 1, s.room.after(session_.size())});
  if (most <= 0) return {};
  most = std::min(most, s.adapt ? s.pace.length() : s.most);
  if (most <= 0) return {};
  std::span<const Token> guesses;
  const double seconds = seconds_of([&] { guesses = ask(*s.guesser, session_.tokens(), token, most); });
  s.pace.guessed(int(guesses.size()), seconds);
  // Nothing follows a token that ends the text.
  const Tokenizer& tokenizer = model_data(session_.model()).tokenizer;
  const auto end = std::ranges::find_if(
      guesses, [&](Token t) { return t < 0 || t >= tokenizer.size() || tokenizer.ends_generation(t); });
  if (end == guesses.begin()) return {};
  std::vector<Token> batch = {token};
  batch.insert(batch.end(), guesses.begin(), end);
  return batch;
}

std::span<const float> Verifier::feed_single(Token token) {
  std::span<const float> logits;
  const double seconds = seconds_of([&] { logits = session_.feed({&token, 1}); });
  if (speculation_ != nullptr) Access::impl(*speculation_).pace.fed(1, seconds);
  return logits;
}

// The sampler must not be asked for more than the token at hand: stop strings may end the text there, and
// its state goes on to the next text. So all logits are kept; copying them is little beside computing them.
std::span<const float> Verifier::feed_batch(std::vector<Token> batch) {
  rows_.resize(std::max(rows_.size(), batch.size() * vocab_));
  const int start = session_.size();
  const double seconds = seconds_of([&] {
    const auto keep = [&](int position, std::span<const float> logits) {
      std::ranges::copy(logits, rows_.begin() + std::ptrdiff_t(std::size_t(position - start) * vocab_));
    };
    translate_memory_errors([&] { Access::impl(session_)->feed(batch, {.visit = keep, .guesses = true}); });
  });
  batch_ = std::move(batch);  // only now does any of it count
  known_ = 1;
  guesses_ += int(batch_.size()) - 1;
  Access::impl(*speculation_).pace.fed(int(batch_.size()), seconds);
  return row(0);
}

}  // namespace longhand
