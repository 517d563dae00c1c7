// SentencePiece byte-pair vocabularies: pairs merge by the score of the token they make.
#pragma once

#include <array>
#include <vector>

#include "engine/text/encoder.h"
#include "engine/text/merger.h"
#include "engine/text/whole_words.h"
#include "loaders/vocab/text_index.h"

namespace longhand {

class Spm : public Encoder {
 public:
  explicit Spm(const Vocab& vocab);
  void encode(std::string_view text, bool starts_text, std::vector<Token>& out) const override;

 private:
  PairMerge find_merge(std::string_view pair) const noexcept;
  void merge(std::string_view part, Merger& merger) const;
  void append_piece(SymbolId symbol, std::string_view text, std::vector<Token>& out) const;
  void encode_stretch(std::string_view text, Merger& merger, std::vector<Token>& out) const;
  bool may_join_space(char32_t code) const noexcept;

  bool space_prefix_;
  Token unknown_;  // for bytes without a token
  TextIndex tokens_;
  WholeWords whole_words_;
  std::size_t longest_ = 0;                // bytes of the longest token
  std::vector<std::uint32_t> priorities_;  // (vocab) low for a high score
  std::array<SymbolId, 128> ascii_;
  std::array<Token, 256> byte_tokens_;
  std::vector<char32_t> before_space_;  // sorted: characters that stand before a space within some token
};

}  // namespace longhand
