#include "engine/text/wordpiece.h"

#include <algorithm>

#include "engine/text/unicode.h"
#include "engine/text/unicode_tables.h"

namespace longhand {
namespace {

// Files mark the beginning of words, not the continuation of them.
constexpr std::string_view kWordMark = "\xE2\x96\x81";

constexpr CodeRange kIdeographs[] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF},
                                     {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF},
                                     {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};

bool stands_alone(char32_t code) {
  constexpr CategoryMask kPunctuation = category_mask("P"), kSymbols = category_mask("S");
  return is_category(code, kPunctuation) || (code < 0x7F && is_category(code, kSymbols)) ||
         std::ranges::any_of(kIdeographs,
                             [&](const CodeRange& r) { return r.first <= code && code <= r.last; });
}

// Characters a normalised text does not have. Code points without a character are no control characters.
bool is_dropped(char32_t code) {
  constexpr CategoryMask kControl = category_mask("C") & ~category_bit(Category::Cn);
  return code == 0 || code == kReplacement || is_category(code, kControl);
}

}  // namespace

WordPiece::WordPiece(const Vocab& vocab)
    : unknown_(vocab.unk), lowercase_(vocab.lowercase), strip_accents_(vocab.strip_accents) {
  std::vector<PrefixIndex::Entry> entries;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    if (is_text_token(vocab.types[i])) entries.push_back({vocab.tokens[i], Token(i)});
  }
  tokens_ = PrefixIndex(std::move(entries));
}

void WordPiece::for_each_word(std::string_view text,
                              const std::function<void(std::string_view)>& visit) const {
  std::string word(kWordMark);
  const auto end_word = [&] {
    if (word.size() > kWordMark.size()) visit(word);
    word.resize(kWordMark.size());
  };
  const auto add = [&](char32_t code) {
    if (is_white_space(code)) return end_word();
    if (is_dropped(code)) return;
    const bool alone = stands_alone(code);
    if (alone) end_word();
    append_utf8(word, lowercase_ ? to_lower(code) : code);
    if (alone) end_word();
  };
  for (std::size_t at = 0; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    at += c.length;
    // As the engines these files are made for do, keep the first character of a decomposition whatever
    // follows it. For letters with accents that is what the original normalisation leaves; of Hangul
    // syllables it is less.
    const char32_t code = strip_accents_ ? base_character(c.code) : c.code;
    if (!strip_accents_ || !is_category(code, category_bit(Category::Mn))) add(code);
  }
  end_word();
}

void WordPiece::encode(std::string_view text, bool, std::vector<Token>& out) const {
  for_each_word(text, [&](std::string_view word) { encode_word(word, out); });
}

void WordPiece::encode_word(std::string_view marked, std::vector<Token>& out) const {
  const std::size_t before = out.size();
  for (std::string_view rest = marked; !rest.empty();) {
    const std::uint32_t piece = tokens_.longest_prefix(rest);
    if (piece == PrefixIndex::kNone) {
      out.resize(before);
      if (unknown_ != kNoToken) out.push_back(unknown_);
      return;
    }
    out.push_back(tokens_.entries()[piece].token);
    rest.remove_prefix(tokens_.entries()[piece].text.size());
  }
}

}  // namespace longhand
