// Texts, and pairs of texts, as encoders and rerankers read them.
#pragma once

#include <string>
#include <vector>

#include "engine/text/tokenizer.h"
#include "loaders/gguf/gguf.h"

namespace longhand {

struct EncodedText {
  std::vector<Token> tokens;
  int left_out = 0;  // tokens of the text, or of the document, for which there was no room
};

class InputEncoder {
 public:
  /// Of texts of up to `context` tokens; `tokenizer` must outlive it.
  InputEncoder(const Gguf& file, const Tokenizer& tokenizer, int context);

  EncodedText text(std::string_view text) const;
  /// Throws Error: context_full, chat_template (a file's template without {query} or {document}).
  EncodedText pair(std::string_view query, std::string_view document) const;

 private:
  EncodedText by_separators(std::string_view query, std::string_view document) const;
  EncodedText by_template(std::string_view query, std::string_view document) const;
  std::vector<Token> fill_template(std::string_view query, std::string_view document) const;
  std::vector<Token> plain(std::string_view text) const;
  Token end() const noexcept;

  const Tokenizer& tokenizer_;
  std::string template_;  // with {query} and {document}; or empty
  int context_;
};

}  // namespace longhand
