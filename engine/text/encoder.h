// What every kind of vocabulary does: turn a stretch of plain text into tokens.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "loaders/vocab/vocab.h"

namespace longhand {

class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Appends the tokens of `text`, which holds no special tokens. `starts_text`: the text begins here, or a
  /// special token came before. Safe to call from many threads at once.
  virtual void encode(std::string_view text, bool starts_text, std::vector<Token>& out) const = 0;
};

/// `vocab` must outlive the encoder. nullptr for a model without a tokenizer.
std::unique_ptr<Encoder> make_encoder(const Vocab& vocab);

/// Tokens that ordinary text may become; control tokens, above all, never are.
inline bool is_text_token(TokenType type) noexcept {
  return type != TokenType::control && type != TokenType::unknown && type != TokenType::byte;
}

}  // namespace longhand
