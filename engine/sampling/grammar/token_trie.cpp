#include "engine/sampling/grammar/token_trie.h"

#include <algorithm>

namespace longhand {

TokenTrie::TokenTrie(std::vector<std::pair<std::string, Token>> tokens) {
  // Tokens that are longer are followed one by one where they are met, never masked.
  constexpr std::size_t kLongest = 0xFFFF;
  std::sort(tokens.begin(), tokens.end());
  std::vector<std::uint32_t> open;  // the node of each byte of the token before
  const std::string* before = nullptr;
  const auto close_to = [&](std::size_t depth) {
    for (; open.size() > depth; open.pop_back()) nodes_[open.back()].behind = std::uint32_t(nodes_.size());
  };
  for (const auto& [bytes, id] : tokens) {
    if (bytes.size() > kLongest) continue;
    std::size_t shared = 0;
    if (before != nullptr) {
      while (shared < before->size() && shared < bytes.size() && (*before)[shared] == bytes[shared]) ++shared;
    }
    close_to(shared);
    for (std::size_t i = shared; i < bytes.size(); ++i) {
      open.push_back(std::uint32_t(nodes_.size()));
      nodes_.push_back({0, std::uint32_t(ids_.size()), 0, std::uint16_t(i), std::uint8_t(bytes[i])});
    }
    ++nodes_[open.back()].count;
    ids_.push_back(id);
    longest_ = std::max(longest_, std::uint32_t(bytes.size()));
    before = &bytes;
  }
  close_to(0);
}

void TokenTrie::add_followed(GrammarMatcher& matcher, GrammarMatcher::State state, TokenBits& bits) const {
  std::vector<GrammarMatcher::State> path(std::size_t{longest_} + 1, state);  // path[n]: after n bytes
  for (std::size_t i = 0; i < nodes_.size();) {
    const Node& node = nodes_[i];
    const GrammarMatcher::State next = matcher.step(path[node.depth], node.byte);
    if (next == GrammarMatcher::kDead) {
      i = node.behind;
      continue;
    }
    path[std::size_t{node.depth} + 1] = next;
    for (std::uint32_t n = 0; n < node.count; ++n) add_token(bits, ids_[node.first + n]);
    ++i;
  }
}

}  // namespace longhand
