#include "engine/make/imatrix/text_pieces.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/error.h"

namespace longhand {

TextPieces::TextPieces(std::span<const Token> tokens, int size, int most)
    : tokens_(tokens), size_(std::size_t(size)), count_(std::int64_t(tokens.size() / std::size_t(size))) {
  if (count_ == 0) {
    throw Error(Errc::range, fmt::format("the text has {} tokens, must have at least {} for one piece",
                                         tokens.size(), size));
  }
  if (most > 0) count_ = std::min(count_, std::int64_t{most});
}

std::vector<Token> TextPieces::at(std::int64_t number, const Vocab& vocab) const {
  const auto part = tokens_.subspan(std::size_t(number) * size_, size_);
  std::vector<Token> piece(part.begin(), part.end());
  if (vocab.add_bos && vocab.bos != kNoToken) piece[0] = vocab.bos;
  return piece;
}

}  // namespace longhand
