// A regular expression as a network of places.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/sampling/schema/pattern.h"

namespace longhand {

/// Where the expression may begin anywhere in a text and end anywhere. Throws Error (grammar) for one of more
/// than kMaxNodes places, copies of repetitions included.
struct PatternNetwork {
  explicit PatternNetwork(const Pattern& pattern);

  struct Node {
    enum class Kind : std::uint8_t {
      set,    // a character of sets[value], then next[0]
      any,    // whatever comes
      split,  // one of next
      look,   // next[0], while next[1] must match from here (value 0) or must not
      text_start,
      text_end,
      word_edge,
      no_word_edge
    };
    Kind kind = Kind::split;
    std::uint32_t value = 0;
    std::vector<std::uint32_t> next{};
  };
  std::vector<Node> nodes;
  std::uint32_t start = 0, any = 0;
  bool has_word_edges = false;
  /// Characters that no set tells apart.
  std::vector<CodePoints> symbols;

  bool holds(std::uint32_t set, std::uint32_t symbol) const { return held_[set][symbol]; }
  bool is_word(std::uint32_t symbol) const { return has_word_edges && held_[0][symbol]; }

  static constexpr std::size_t kMaxNodes = 20000;

 private:
  std::uint32_t add(Node node);
  std::uint32_t build(const Pattern& pattern, std::uint32_t next);
  std::uint32_t build_repeat(const Pattern& pattern, std::uint32_t next);
  void find_symbols();

  std::vector<CodePoints> sets_;
  std::vector<std::vector<bool>> held_;  // (sets, symbols)
};

}  // namespace longhand
