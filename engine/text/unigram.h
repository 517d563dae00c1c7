// SentencePiece unigram vocabularies (T5, XLM-R): the most probable segmentation of a normalised text, or a
// random one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>

#include "engine/text/encoder.h"
#include "engine/text/prefix_index.h"

namespace longhand {

/// Replacement of character sequences, compiled by SentencePiece into a double-array trie.
class CharsMap {
 public:
  /// Throws Error (corrupt) if the blob is shorter than it says. Empty: replaces nothing.
  explicit CharsMap(std::span<const std::byte> blob);

  struct Match {
    std::size_t length = 0;  // bytes of text replaced; 0: no match
    std::string_view replacement;
  };
  /// The longest match at the beginning of `text`.
  /// Throws Error (corrupt) where the trie points outside itself or the replacement does not end.
  Match longest(std::string_view text) const;

 private:
  std::uint32_t node(std::size_t index) const;
  std::string_view replacement(std::size_t at) const;
  bool absent_ = true;
  std::span<const std::byte> nodes_;
  std::string_view replacements_;
};

class Unigram : public Encoder {
 public:
  explicit Unigram(const Vocab& vocab);
  void encode(std::string_view text, bool starts_text, std::vector<Token>& out) const override;

  /// Draws a segmentation with probability proportional to product(p(token))^alpha, exactly.
  void sample(std::string_view text, double alpha, std::mt19937_64& random, std::vector<Token>& out) const;

  std::string normalize(std::string_view text) const;

 private:
  class BestPath;
  struct Step {
    Token token = kNoToken;
    std::size_t begin = 0;  // of the token that ends here
  };
  /// Calls visit(begin, end, token, score) for every token of the lattice over `text`, in order of begin.
  template <class Visit>
  void for_each_edge(std::string_view text, Visit&& visit) const;

  PrefixIndex tokens_;
  std::vector<double> scores_;  // (entries of tokens_)
  PrefixIndex user_defined_;
  CharsMap chars_;
  Token unknown_;
  double unknown_score_;
  bool space_prefix_, collapse_spaces_;
};

}  // namespace longhand
