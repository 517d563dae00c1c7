// tokenizer.model: the vocabulary of SentencePiece, a protocol buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace longhand {

struct SpmPiece {
  std::string text;
  float score = 0;
  int type = 1;  // the numbers of TokenType
};

struct SpmModel {
  std::vector<SpmPiece> pieces;
  bool merges_pairs = false;  // byte-pair merging, in the order of scores
  bool adds_space = true;     // before every text
};

/// `name` stands in messages. Throws Error: corrupt, truncated, limit (more than 2^21 pieces).
SpmModel parse_spm_model(std::span<const std::byte> file, const std::string& name);

}  // namespace longhand
