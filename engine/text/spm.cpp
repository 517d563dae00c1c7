#include "engine/text/spm.h"

#include <bit>

#include "engine/text/byte_tokens.h"
#include "engine/text/long_words.h"
#include "engine/text/unicode.h"

namespace longhand {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581
constexpr char32_t kSpaceMarkCode = 0x2581;

// Maps scores to integers in the opposite order. The bits of floats compare as sign and magnitude.
std::uint32_t priority_of(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score == 0 ? 0.0f : score);
  const std::uint32_t ascending = (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
  return ~ascending;  // kNever would be the NaN with all bits set, which is no score
}

}  // namespace

Spm::Spm(const Vocab& vocab)
    : space_prefix_(vocab.add_space_prefix),
      unknown_(vocab.unk),
      tokens_(vocab.tokens.size()),
      whole_words_(vocab.tokens.size()),
      byte_tokens_(find_byte_tokens(vocab)) {
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    priorities_.push_back(priority_of(vocab.scores.empty() ? 0.0f : vocab.scores[i]));
    const std::string_view text = vocab.tokens[i];
    if (!is_text_token(vocab.types[i]) || text.empty()) continue;
    tokens_.insert(text, Token(i));
    longest_ = std::max(longest_, text.size());
    char32_t previous = 0;
    for (std::size_t at = 0; at < text.size();) {
      const Decoded c = decode_utf8(text, at);
      if (c.code == kSpaceMarkCode && at != 0) before_space_.push_back(previous);
      previous = c.code;
      at += c.length;
    }
  }
  std::ranges::sort(before_space_);
  before_space_.erase(std::unique(before_space_.begin(), before_space_.end()), before_space_.end());
  for (std::size_t c = 0; c < ascii_.size(); ++c) {
    const char text = char(c);
    ascii_[c] = tokens_.find({&text, 1});
  }
}

PairMerge Spm::find_merge(std::string_view pair) const noexcept {
  if (pair.size() > longest_) return {};
  const Token token = tokens_.find(pair);
  return token == kNoToken ? PairMerge{} : PairMerge{priorities_[std::size_t(token)], token};
}

bool Spm::may_join_space(char32_t code) const noexcept {
  return std::ranges::binary_search(before_space_, code);
}

void Spm::encode(std::string_view text, bool starts_text, std::vector<Token>& out) const {
  Merger merger;
  std::string stretch;
  char32_t previous = 0;
  const auto add_space = [&] {
    // No token spans this place, so the two sides cannot influence each other: short stretches merge faster.
    if (!stretch.empty() && !may_join_space(previous)) {
      encode_stretch(stretch, merger, out);
      stretch.clear();
    }
    stretch += kSpaceMark;
    previous = kSpaceMarkCode;
  };
  if (space_prefix_ && starts_text) add_space();
  for (std::size_t at = 0; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    if (c.code == ' ' || c.code == kSpaceMarkCode) {
      add_space();
    } else {
      stretch += text.substr(at, c.length);
      previous = c.code;
    }
    at += c.length;
  }
  encode_stretch(stretch, merger, out);
}

void Spm::merge(std::string_view part, Merger& merger) const {
  merger.start(part.size());
  for (std::size_t at = 0; at < part.size();) {
    const Decoded c = decode_utf8(part, at);
    merger.add(c.code < 0x80 ? ascii_[c.code] : tokens_.find(part.substr(at, c.length)), c.length);
    at += c.length;
  }
  merger.run([&](std::uint32_t left, std::uint32_t right) {
    return find_merge(part.substr(left, merger[right].next - left));
  });
}

void Spm::append_piece(SymbolId symbol, std::string_view text, std::vector<Token>& out) const {
  if (symbol != kNoSymbol) return out.push_back(symbol);
  for (const char c : text) {
    const Token byte = byte_tokens_[std::uint8_t(c)];
    if (const Token token = byte != kNoToken ? byte : unknown_; token != kNoToken) out.push_back(token);
  }
}

void Spm::encode_stretch(std::string_view text, Merger& merger, std::vector<Token>& out) const {
  if (text.empty()) return;
  const Token whole = text.size() <= longest_ ? tokens_.find(text) : kNoToken;
  if (whole != kNoToken && whole_words_.known(whole)) return out.push_back(whole);
  const auto merge_part = [this](std::string_view part, Merger& into) { merge(part, into); };
  const auto append = [&](SymbolId symbol, std::string_view piece) { append_piece(symbol, piece, out); };
  if (text.size() > kLongWord) return LongWord(text, merge_part, append, out).encode(merger);
  merge(text, merger);
  if (whole != kNoToken && merger[0].symbol == whole) whole_words_.remember(whole);
  merger.for_each([&](SymbolId symbol, std::size_t begin, std::size_t end) {
    append(symbol, text.substr(begin, end - begin));
  });
}

}  // namespace longhand
