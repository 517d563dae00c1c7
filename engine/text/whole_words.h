// Remembers which tokens a tokenizer makes of exactly their own text.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "loaders/vocab/vocab.h"

namespace longhand {

/// Most words of ordinary text are tokens, and nearly always merging leads to that token; once it was seen
/// to, it need not be done again. One flag a token: what is remembered follows from the vocabulary alone, so
/// threads may race to write it.
class WholeWords {
 public:
  explicit WholeWords(std::size_t tokens) : known_(std::make_unique<std::atomic<bool>[]>(tokens)) {}
  bool known(Token token) const noexcept { return flag(token).load(std::memory_order_relaxed); }
  void remember(Token token) const noexcept { flag(token).store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool>& flag(Token token) const noexcept { return known_[std::size_t(token)]; }
  std::unique_ptr<std::atomic<bool>[]> known_;  // (vocab)
};

}  // namespace longhand
