// A smaller model writes ahead, and the larger one reads along.

#include <algorithm>
#include <vector>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "engine/run/speculate/guesser.h"
#include "engine/run/speculate/rewind_room.h"
#include "engine/run/speculate/vocabulary.h"

namespace longhand {
namespace {

// After a wrong guess one token is new to the draft, after a run of right ones two. Where more is - the
// prompt, or what came while nobody asked - it is read first, a piece a call, so that the target's text goes
// on meanwhile and can be cancelled.
constexpr int kFewBehind = 16, kPiece = 256;

SessionOptions draft_options(const Model& draft, const Session& target, const SessionOptions& options) {
  SessionOptions o;
  const int trained = model_data(draft).config.trained_context;
  o.context = trained > 0 ? std::min(trained, target.context()) : target.context();
  o.threads = target.threads();  // changing between teams of different sizes costs more than it gains
  o.batch = std::min(options.batch, kPiece);
  return o;
}

class Draft final : public Guesser {
 public:
  Draft(const Model& draft, const SessionOptions& options)
      : session_(draft, options),
        room_(model_data(draft).config, options),
        vocab_(model_data(draft).tokenizer.size()) {}

  std::span<const Token> propose(std::span<const Token> text, Token next, int most) override {
    guesses_.clear();
    const int size = int(text.size()), spare = session_.context() - size - 1;
    if (spare < 0) return guesses_;
    const auto unread = text.subspan(std::size_t(keep(text)));
    // The target may have tokens at the end, unused as a rule, that the draft does not.
    const auto unknown = [this](Token token) { return token >= vocab_; };
    if (unknown(next) || std::ranges::any_of(unread, unknown)) return guesses_;
    if (int(unread.size()) > kFewBehind) {
      session_.feed(unread.first(std::min(unread.size(), std::size_t{kPiece})));
      return guesses_;
    }
    to_read_.assign(unread.begin(), unread.end());
    to_read_.push_back(next);
    // The last guess is not read any more.
    for (most = std::min({most, spare + 1, room_.after(size) + 1}); int(guesses_.size()) < most;) {
      const auto logits = session_.feed(to_read_).first(std::size_t(vocab_));
      guesses_.push_back(Token(std::ranges::max_element(logits) - logits.begin()));
      to_read_.assign(1, guesses_.back());
    }
    return guesses_;
  }

 private:
  // Goes back to where the session's text and `text` part, and says where.
  int keep(std::span<const Token> text) {
    const auto held = session_.tokens();
    const int same = int(std::ranges::mismatch(held, text).in1 - held.begin());
    session_.rewind(same);
    return same;
  }

  Session session_;
  RewindRoom room_;
  int vocab_;  // embeddings may be padded beyond it
  std::vector<Token> to_read_, guesses_;
};

}  // namespace

std::unique_ptr<Guesser> make_draft(const Model& draft, const Session& target,
                                    const SessionOptions& options) {
  check_same_vocabulary(model_data(draft).tokenizer.vocab(), model_data(target.model()).tokenizer.vocab());
  return std::make_unique<Draft>(draft, draft_options(draft, target, options));
}

}  // namespace longhand
