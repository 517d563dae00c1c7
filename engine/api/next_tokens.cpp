// A model's own prediction layer foresees what comes next, out of the hidden states the session leaves.

#include <algorithm>
#include <vector>

#include "engine/api/session_impl.h"
#include "engine/forward/model.h"
#include "engine/run/speculate/guesser.h"
#include "engine/run/speculate/hidden_log.h"
#include "engine/run/speculate/next_head_run.h"

namespace longhand {
namespace {

// Of a prompt, so many of the last tokens are read: the layer's own attention needs no more to foresee a few.
constexpr int kMostRead = 1024;

SessionOptions head_options(const Session& target, const SessionOptions& options) {
  SessionOptions o;
  o.context = target.context();
  o.threads = target.threads();
  o.batch = options.batch;
  o.rope = options.rope;
  return o;
}

class NextTokens final : public Guesser {
 public:
  NextTokens(const Session& target, const SessionOptions& options)
      : model_(target.model()),
        head_(model_data(model_), head_options(target, options)),
        log_(std::make_shared<HiddenLog>(model_data(model_).config.hidden, kMostRead)),
        vocab_(model_data(model_).tokenizer.size()) {
    Access::impl(target)->hidden_log = log_;
  }

  std::span<const Token> propose(std::span<const Token> text, Token next, int most) override {
    guesses_.clear();
    const int size = int(text.size());
    keep(text, next);
    if (log_->begin() >= size || log_->end() < size) return guesses_;
    if (base_ + head_.size() < log_->begin()) start_over(log_->begin());
    read(text, next);
    const int known = head_.size();
    for (most = std::min(most, head_.context() - known + 1); int(guesses_.size()) < most;) {
      if (!guesses_.empty()) feed_guess();
      const auto logits = head_.logits().first(std::size_t(vocab_));
      guesses_.push_back(Token(std::ranges::max_element(logits) - logits.begin()));
    }
    head_.go_back(known);
    return guesses_;
  }

 private:
  void start_over(int base) {
    head_.go_back(0);
    base_ = base;
  }

  // Token j of the head's sequence is token base_ + j + 1 of the text: it holds as long as the text does.
  void keep(std::span<const Token> text, Token next) {
    const int same = int(std::ranges::mismatch(seen_, text).in1 - seen_.begin());
    if (same <= base_) {
      start_over(0);
    } else {
      const bool all =
          same == int(text.size()) && same < int(seen_.size()) && seen_[std::size_t(same)] == next;
      head_.go_back(std::clamp(same - base_ - 1 + all, 0, head_.size()));
    }
    seen_.assign(text.begin(), text.end());
    seen_.push_back(next);
  }

  // What the head has not read of the text, and `next`.
  void read(std::span<const Token> text, Token next) {
    const int first = base_ + head_.size(), count = int(text.size()) - first;
    const auto n = std::size_t(model_data(model_).config.hidden);
    tokens_.assign(text.begin() + first + 1, text.end());
    tokens_.push_back(next);
    hidden_.resize(std::size_t(count) * n);
    for (int i = 0; i < count; ++i)
      std::copy_n(log_->at(first + i), n, hidden_.begin() + std::ptrdiff_t(std::size_t(i) * n));
    if (count > 0) head_.feed(tokens_, hidden_.data());
  }

  void feed_guess() {
    hidden_.assign(head_.hidden().begin(), head_.hidden().end());
    const Token last = guesses_.back();
    head_.feed({&last, 1}, hidden_.data());
  }

  const Model model_;
  NextHeadRun head_;
  std::shared_ptr<HiddenLog> log_;
  int vocab_;     // embeddings may be padded beyond it
  int base_ = 0;  // of the text, the token before the head's first
  std::vector<Token> seen_, tokens_, guesses_;
  std::vector<float> hidden_;
};

}  // namespace

std::unique_ptr<Guesser> make_next_tokens(const Session& target, const SessionOptions& options) {
  return std::make_unique<NextTokens>(target, options);
}

}  // namespace longhand
