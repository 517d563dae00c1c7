// The tokens of a vocabulary by their bytes, so that common beginnings are walked once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/sampling/grammar/grammar_matcher.h"

namespace longhand {

/// A set of tokens: bit i of word i / 64.
using TokenBits = std::vector<std::uint64_t>;

inline void add_token(TokenBits& bits, Token id) {
  bits[std::size_t(id) / 64] |= std::uint64_t{1} << (std::size_t(id) % 64);
}
inline bool has_token(const TokenBits& bits, std::size_t id) { return (bits[id / 64] >> (id % 64) & 1) != 0; }

class TokenTrie {
 public:
  TokenTrie() = default;
  /// Of tokens and their bytes, none empty.
  explicit TokenTrie(std::vector<std::pair<std::string, Token>> tokens);

  bool empty() const noexcept { return nodes_.empty(); }
  std::uint32_t longest() const noexcept { return longest_; }  // bytes of a token
  /// Adds the tokens that the matcher can follow from `state`. Throws as GrammarMatcher::step does.
  void add_followed(GrammarMatcher& matcher, GrammarMatcher::State state, TokenBits& bits) const;

 private:
  // Depth first: the first child is the next node, and `behind` is the one after all descendants.
  struct Node {
    std::uint32_t behind = 0;
    std::uint32_t first = 0, count = 0;  // of its tokens in ids_
    std::uint16_t depth = 0;             // bytes before this one
    std::uint8_t byte = 0;
  };
  std::vector<Node> nodes_;
  std::vector<Token> ids_;
  std::uint32_t longest_ = 0;
};

}  // namespace longhand
