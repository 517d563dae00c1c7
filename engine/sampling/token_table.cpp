#include "engine/sampling/token_table.h"

#include "engine/text/tokenizer.h"

namespace longhand {

TokenTable token_table(const Tokenizer& tokenizer) {
  TokenTable table;
  table.size = tokenizer.size();
  table.piece = [&tokenizer](Token token) { return tokenizer.piece(token); };
  table.ends_generation = [&tokenizer](Token token) { return tokenizer.ends_generation(token); };
  table.find = [&tokenizer](std::string_view text) {
    const std::vector<Token> found = tokenizer.encode(text, {.add_special = false, .parse_special = true});
    return found.size() == 1 ? found.front() : kNoToken;
  };
  table.suppressed = tokenizer.vocab().suppressed;
  table.written_out = [&tokenizer](Token token) { return tokenizer.piece(token, true); };
  return table;
}

}  // namespace longhand
