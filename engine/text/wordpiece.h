// BERT's vocabularies: words of a normalised text, each cut greedily into the longest pieces.
#pragma once

#include <functional>

#include "engine/text/encoder.h"
#include "engine/text/prefix_index.h"

namespace longhand {

class WordPiece : public Encoder {
 public:
  explicit WordPiece(const Vocab& vocab);
  void encode(std::string_view text, bool starts_text, std::vector<Token>& out) const override;

  /// Calls visit(word) for the normalised words of `text`: without accents and in lower case if the
  /// vocabulary asks for it; punctuation and ideographs stand alone. Each begins with the mark of a word,
  /// U+2581.
  void for_each_word(std::string_view text, const std::function<void(std::string_view)>& visit) const;

 private:
  void encode_word(std::string_view marked, std::vector<Token>& out) const;

  PrefixIndex tokens_;
  Token unknown_;
  bool lowercase_, strip_accents_;
};

}  // namespace longhand
