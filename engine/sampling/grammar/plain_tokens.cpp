#include "engine/sampling/grammar/plain_tokens.h"

#include <algorithm>

#include "engine/text/code_points.h"

namespace longhand {
namespace {

bool is_plain(std::uint32_t c) { return c >= 0x20 && c != '"' && c != '\\' && c != 0x7F; }

// The encodings of all ordinary characters.
std::vector<Utf8Range> plain_encodings() {
  return utf8_ranges(normalised({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}, {0x7F, 0x7F}}, true));
}

}  // namespace

std::optional<std::size_t> PlainTokens::characters(std::string_view bytes) {
  std::size_t count = 0;
  while (!bytes.empty()) {
    const auto c = take_utf8(bytes);
    if (!c || !is_plain(*c)) return std::nullopt;
    ++count;
  }
  return count;
}

void PlainTokens::add(Token id, std::size_t characters) {
  if (by_characters_.size() <= characters) by_characters_.resize(characters + 1, TokenBits(words_));
  add_token(by_characters_[characters], id);
}

// The state that every ordinary character leads to, kDead if none can follow; nothing if they differ.
std::optional<GrammarMatcher::State> PlainTokens::next_of(GrammarMatcher& matcher, State state) {
  static const std::vector<Utf8Range> kEncodings = plain_encodings();
  if (const auto known = next_.find(state); known != next_.end()) return known->second;
  std::optional<State> all;
  bool same = true;
  const auto reach = [&](State next) {
    same = same && (!all || *all == next);
    all = next;
  };
  for (std::size_t i = 0; i < kEncodings.size() && same; ++i) {
    const Utf8Range& range = kEncodings[i];
    std::vector<State> here = {state};
    for (std::size_t at = 0; at < std::size_t(range.length); ++at) {
      std::vector<State> there;
      for (const State from : here) {
        for (unsigned byte = range.bytes[at].first; byte <= range.bytes[at].second; ++byte) {
          const State next = matcher.step(from, std::uint8_t(byte));
          if (next == GrammarMatcher::kDead) {
            reach(next);
          } else if (std::find(there.begin(), there.end(), next) == there.end()) {
            there.push_back(next);
          }
        }
      }
      here = std::move(there);
    }
    for (const State next : here) reach(next);
  }
  return next_[state] = same ? all : std::nullopt;
}

bool PlainTokens::add_followed(GrammarMatcher& matcher, State state, std::uint32_t horizon, TokenBits& bits) {
  std::size_t most = 0;  // characters that may follow
  State here = state;
  for (; most + 1 < by_characters_.size(); ++most) {
    const std::optional<State> next = next_of(matcher, here);
    if (!next) return false;
    if (*next == GrammarMatcher::kDead) break;
    if (matcher.settled(*next, horizon) == here) {  // and so on for ever
      most = by_characters_.size();
      break;
    }
    here = *next;
  }
  for (std::size_t n = 1; n < by_characters_.size() && n <= most; ++n) {
    for (std::size_t word = 0; word < words_; ++word) bits[word] |= by_characters_[n][word];
  }
  return true;
}

}  // namespace longhand
