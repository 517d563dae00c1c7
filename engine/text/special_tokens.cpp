#include "engine/text/special_tokens.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace longhand {
namespace {

// White space that tokens with a strip attribute swallow: that of the C locale.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

struct Taken {
  std::size_t begin, end;  // with the white space swallowed
  Token token;
};

}  // namespace

SpecialTokens::SpecialTokens(const Vocab& vocab)
    : user_defined_(make_set(vocab, false)), all_(make_set(vocab, true)) {}

SpecialTokens::Set SpecialTokens::make_set(const Vocab& vocab, bool control) {
  std::vector<PrefixIndex::Entry> found;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    const TokenType type = vocab.types[i];
    const bool matches = type == TokenType::user_defined ||
                         (control && (type == TokenType::control || type == TokenType::unknown));
    if (matches) found.push_back({vocab.tokens[i], static_cast<Token>(i)});
  }
  Set set{PrefixIndex(std::move(found)), {}, {}, {}, {}};
  const auto& entries = set.index.entries();
  set.entries.resize(entries.size());
  std::iota(set.entries.begin(), set.entries.end(), 0u);
  std::ranges::sort(set.entries, [&](std::uint32_t a, std::uint32_t b) {
    const std::size_t a_size = entries[a].text.size(), b_size = entries[b].text.size();
    return a_size != b_size ? a_size > b_size : entries[a].token < entries[b].token;
  });
  set.order.resize(entries.size());
  for (std::uint32_t i = 0; i < set.entries.size(); ++i) set.order[set.entries[i]] = i;
  for (const auto& entry : entries) {
    set.strip_left.push_back(std::ranges::binary_search(vocab.strip_left, entry.token));
    set.strip_right.push_back(std::ranges::binary_search(vocab.strip_right, entry.token));
  }
  return set;
}

std::vector<SpecialTokens::Fragment> SpecialTokens::split(std::string_view text, bool parse_special) const {
  const Set& set = parse_special ? all_ : user_defined_;
  const auto& entries = set.index.entries();

  // Of the tokens that begin at one place only the longest is queued at first. It takes its place unless a
  // better one has; a token no longer than what is left may then be queued instead.
  std::map<std::uint32_t, std::vector<std::size_t>> queue;  // order of the entry -> places in the text
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!set.index.begins_with(text[at])) continue;
    const std::uint32_t entry = set.index.longest_prefix(text.substr(at));
    if (entry != PrefixIndex::kNone) queue[set.order[entry]].push_back(at);
  }
  std::vector<Fragment> fragments;
  if (queue.empty()) {
    if (!text.empty()) fragments.push_back({text});
    return fragments;
  }

  std::vector<Taken> taken;
  std::vector<bool> covered(text.size());
  while (!queue.empty()) {
    auto [order, places] = std::move(*queue.begin());
    queue.erase(queue.begin());
    std::ranges::sort(places);
    const std::uint32_t entry = set.entries[order];
    const std::size_t size = entries[entry].text.size();
    for (const std::size_t at : places) {
      if (covered[at]) continue;
      // What is covered belongs to tokens at least as long, so it cannot lie strictly inside.
      if (covered[at + size - 1]) {
        std::size_t room = 0;
        while (!covered[at + room]) ++room;
        const std::uint32_t shorter = set.index.longest_prefix(text.substr(at, room));
        if (shorter != PrefixIndex::kNone) queue[set.order[shorter]].push_back(at);
        continue;
      }
      Taken t{at, at + size, entries[entry].token};
      if (set.strip_left[entry]) {
        while (t.begin > 0 && !covered[t.begin - 1] && is_space(text[t.begin - 1])) --t.begin;
      }
      if (set.strip_right[entry]) {
        while (t.end < text.size() && !covered[t.end] && is_space(text[t.end])) ++t.end;
      }
      for (std::size_t i = t.begin; i < t.end; ++i) covered[i] = true;
      taken.push_back(t);
    }
  }

  std::ranges::sort(taken, {}, &Taken::begin);
  std::size_t at = 0;
  for (const Taken& t : taken) {
    if (at < t.begin) fragments.push_back({text.substr(at, t.begin - at)});
    fragments.push_back({{}, t.token});
    at = t.end;
  }
  if (at < text.size()) fragments.push_back({text.substr(at)});
  return fragments;
}

}  // namespace longhand
