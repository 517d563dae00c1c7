// Feeding a token together with guesses at those after it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/types/token.h"

namespace longhand {

class Session;
class Speculation;

/// A session as generate() sees it: fed one token at a time. Where guesses are made, what the session holds
/// runs ahead; what was guessed wrong or not asked for is taken back before anything else is fed, and at the
/// end of the verifier's life. Until then nobody else may use the session: as in callbacks of a feed, all but
/// getters and cancel() throw Error(busy).
class Verifier {
 public:
  /// `speculation` may be null. Both must outlive the verifier.
  Verifier(Session& session, Speculation* speculation);
  ~Verifier();
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  /// Tokens fed, guesses not among them.
  int size() const noexcept;
  /// Logits after `token`, valid until the next call. At most `more` tokens will be fed after it. Throws as
  /// Session::feed does.
  std::span<const float> feed(Token token, int more);

  int feeds() const noexcept { return feeds_; }          // batches computed
  int guesses() const noexcept { return guesses_; }      // of the batches
  int right_guesses() const noexcept { return right_; }  // of those

 private:
  struct OwnUse;  // while one lives, the session may be used
  std::span<const float> row(std::size_t i) const noexcept {
    return std::span(rows_).subspan(i * vocab_, vocab_);
  }
  std::span<const float> feed_single(Token token);
  std::span<const float> feed_batch(std::vector<Token> batch);
  std::vector<Token> with_guesses(Token token, int more);
  void take_back();

  Session& session_;
  Speculation* speculation_;
  const std::size_t vocab_;
  std::vector<Token> batch_;  // the last batch: a token and the guesses after it
  std::size_t known_ = 0;     // tokens of it that have been asked for
  std::vector<float> rows_;   // (batch, vocab) logits of that batch
  int feeds_ = 0, guesses_ = 0, right_ = 0;
};

}  // namespace longhand
