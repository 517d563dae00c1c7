// A text in pieces of one length, each of which is read as a text of its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/types/token.h"
#include "loaders/vocab/vocab.h"

namespace longhand {

class TextPieces {
 public:
  /// Pieces of `size` tokens, at most `most` of them (0: all); what is left over is dropped. `tokens` must
  /// outlive this. Throws Error (range) for a text shorter than one piece.
  TextPieces(std::span<const Token> tokens, int size, int most);

  std::int64_t count() const noexcept { return count_; }
  /// A piece; its first token is the one that begins texts, where the model wants that.
  std::vector<Token> at(std::int64_t number, const Vocab& vocab) const;

 private:
  std::span<const Token> tokens_;
  std::size_t size_;
  std::int64_t count_;
};

}  // namespace longhand
