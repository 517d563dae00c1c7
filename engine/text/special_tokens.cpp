#include "engine/text/special_tokens.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace longhand {
namespace {

// White space that tokens with a strip attribute swallow: that of the C locale.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

SpecialTokens::SpecialTokens(const Vocab& vocab)
    : user_defined_(make_set(vocab, false)), all_(make_set(vocab, true)) {}

SpecialTokens::Set SpecialTokens::make_set(const Vocab& vocab, bool control) {
  std::vector<PrefixIndex::Entry> found;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    const TokenType type = vocab.types[i];
    const bool matches = type == TokenType::user_defined ||
                         (control && (type == TokenType::control || type == TokenType::unknown));
    if (matches) found.push_back({vocab.tokens[i], Token(i)});
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

// One text on its way to fragments. Of the tokens that begin at one place only the longest is queued at
// first. It takes its place unless a better one has; a token no longer than what is left may then be queued
// instead.
class SpecialTokens::Cutter {
 public:
  Cutter(const Set& set, std::string_view text) : set_(set), text_(text) {}

  std::vector<Fragment> cut() {
    for (std::size_t at = 0; at < text_.size(); ++at) {
      if (set_.index.begins_with(text_[at])) queue_longest(at, std::string_view::npos);
    }
    if (!queue_.empty()) covered_.resize(text_.size());
    while (!queue_.empty()) {
      auto [order, places] = std::move(*queue_.begin());
      queue_.erase(queue_.begin());
      std::ranges::sort(places);
      for (const std::size_t at : places) place(set_.entries[order], at);
    }
    return fragments();
  }

 private:
  struct Taken {
    std::size_t begin, end;  // with the white space swallowed
    Token token;
  };

  // The longest token at `at` that is no longer than `room`.
  void queue_longest(std::size_t at, std::size_t room) {
    const std::uint32_t entry = set_.index.longest_prefix(text_.substr(at, room));
    if (entry != PrefixIndex::kNone) queue_[set_.order[entry]].push_back(at);
  }

  void place(std::uint32_t entry, std::size_t at) {
    if (covered_[at]) return;
    const std::size_t size = set_.index.entries()[entry].text.size();
    // What is covered belongs to tokens at least as long, so it cannot lie strictly inside.
    if (!covered_[at + size - 1]) return take(entry, at, at + size);
    std::size_t room = 0;
    while (!covered_[at + room]) ++room;
    queue_longest(at, room);
  }

  void take(std::uint32_t entry, std::size_t begin, std::size_t end) {
    if (set_.strip_left[entry]) {
      while (begin > 0 && !covered_[begin - 1] && is_space(text_[begin - 1])) --begin;
    }
    if (set_.strip_right[entry]) {
      while (end < text_.size() && !covered_[end] && is_space(text_[end])) ++end;
    }
    for (std::size_t i = begin; i < end; ++i) covered_[i] = true;
    taken_.push_back({begin, end, set_.index.entries()[entry].token});
  }

  // The tokens taken, and the text between them.
  std::vector<Fragment> fragments() {
    std::ranges::sort(taken_, {}, &Taken::begin);
    std::vector<Fragment> fragments;
    std::size_t at = 0;
    for (const Taken& t : taken_) {
      if (at < t.begin) fragments.push_back({text_.substr(at, t.begin - at)});
      fragments.push_back({{}, t.token});
      at = t.end;
    }
    if (at < text_.size()) fragments.push_back({text_.substr(at)});
    return fragments;
  }

  const Set& set_;
  std::string_view text_;
  std::map<std::uint32_t, std::vector<std::size_t>> queue_;  // order of the entry -> places in the text
  std::vector<bool> covered_;                                // (bytes of the text)
  std::vector<Taken> taken_;
};

std::vector<SpecialTokens::Fragment> SpecialTokens::split(std::string_view text, bool parse_special) const {
  return Cutter(parse_special ? all_ : user_defined_, text).cut();
}

}  // namespace longhand
