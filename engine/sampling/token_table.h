// What sampling and grammars ask of a vocabulary.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/token.h"
#include "loaders/vocab/vocab.h"

namespace longhand {

class Tokenizer;

/// All that sampling asks of a vocabulary.
struct TokenTable {
  int size = 0;                             ///< ids are 0 .. size - 1
  std::function<std::string(Token)> piece;  ///< raw bytes as streamed; control tokens give nothing
  std::function<bool(Token)> ends_generation;
  std::function<Token(std::string_view)> find;         ///< the one token written so, or kNoToken
  std::vector<Token> suppressed;                       ///< never drawn
  std::function<std::string(Token)> written_out = {};  ///< as piece, with the texts of control tokens
};
/// The view of `tokenizer`, which must outlive it.
TokenTable token_table(const Tokenizer& tokenizer);

}  // namespace longhand
