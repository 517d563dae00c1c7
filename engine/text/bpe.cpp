#include "engine/text/bpe.h"

#include <algorithm>
#include <bit>

#include "engine/text/byte_map.h"
#include "engine/text/byte_tokens.h"
#include "engine/text/long_words.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

const PreType& require_pre_type(const std::string& name) {
  const PreType* type = find_pre_type(name);
  if (!type) throw Error(Errc::unsupported, "pre-tokenizer '" + name + "' is not known");
  return *type;
}

std::string escape_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (const char c : text) {
    if (c == ' ') {
      out += kSpaceMark;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Bpe::PairTable::PairTable(std::size_t pairs)
    : slots_(std::bit_ceil(pairs + pairs / 2 + 2)), mask_(slots_.size() - 1) {}

void Bpe::PairTable::insert(SymbolId left, SymbolId right, PairMerge merge) {
  const std::uint64_t wanted = key(left, right);
  std::size_t at = home(wanted);
  while (slots_[at].key != kFree && slots_[at].key != wanted) at = (at + 1) & mask_;
  if (slots_[at].key == kFree) slots_[at] = {wanted, merge};
}

struct Bpe::Scratch {
  Merger merger;
  std::string mapped;
};

Bpe::Bpe(const Vocab& vocab)
    : raw_(vocab.kind == VocabKind::bpe_raw),
      escape_spaces_((require_pre_type(vocab.pre).flags & kEscapeSpaces) != 0),
      ignore_merges_(vocab.ignore_merges),
      tokens_(SymbolId(vocab.tokens.size())),
      words_(require_pre_type(vocab.pre).passes),
      symbols_(vocab.tokens.size()),
      pairs_(vocab.merges.size()),
      whole_words_(vocab.tokens.size()) {
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    if (!is_text_token(vocab.types[i])) continue;
    symbols_.insert(vocab.tokens[i], SymbolId(i));
    longest_ = std::max(longest_, vocab.tokens[i].size());
  }
  read_merges(vocab);
  if (raw_) byte_tokens_ = find_byte_tokens(vocab);
  for (std::size_t b = 0; b < byte_symbols_.size(); ++b) {
    std::string character;
    append_utf8(character, raw_ ? char32_t(b) : kByteCharacters[b]);
    byte_symbols_[b] = raw_ && b >= 0x80 ? kNoSymbol : symbols_.find(character);
    if (!raw_) byte_tokens_[b] = byte_symbols_[b] < tokens_ ? byte_symbols_[b] : kNoToken;
  }
}

SymbolId Bpe::intern(std::string_view text) {
  if (const SymbolId known = symbols_.find(text); known != kNoSymbol) return known;
  const auto number = tokens_ + SymbolId(extra_texts_.size());
  extra_texts_.emplace_back(text);
  return symbols_.insert(extra_texts_.back(), number).first;
}

void Bpe::read_merges(const Vocab& vocab) {
  std::string joined;
  for (std::uint32_t rank = 0; rank < vocab.merges.size(); ++rank) {
    const std::string_view merge = vocab.merges[rank];
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) continue;
    const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    joined.assign(left).append(right);
    pairs_.insert(intern(left), intern(right), {rank, intern(joined)});
  }
}

void Bpe::encode(std::string_view text, bool, std::vector<Token>& out) const {
  Scratch scratch;
  const std::string escaped = escape_spaces_ ? escape_spaces(text) : std::string();
  words_.split(escape_spaces_ ? escaped : text,
               [&](std::string_view word) { encode_word(word, scratch, out); });
}

void Bpe::fill_raw(std::string_view word, Merger& merger) const {
  for (std::size_t at = 0; at < word.size();) {
    const std::uint32_t length = decode_utf8(word, at).length;
    const auto byte = std::uint8_t(word[at]);
    merger.add(byte < 0x80 ? byte_symbols_[byte] : symbols_.find(word.substr(at, length)), length);
    at += length;
  }
}

Token Bpe::find_word(std::string_view word, std::string& mapped) const {
  if (raw_) {
    const SymbolId symbol = symbols_.find(word);
    return symbol < tokens_ ? symbol : kNoToken;
  }
  mapped.clear();
  for (const char c : word) {
    const char32_t character = kByteCharacters[std::uint8_t(c)];
    if (character < 0x80) {
      mapped += char(character);
    } else {
      append_utf8(mapped, character);
    }
  }
  const SymbolId symbol = symbols_.find(mapped);
  return symbol < tokens_ ? symbol : kNoToken;
}

void Bpe::merge(std::string_view part, Merger& merger) const {
  merger.start(part.size());
  if (raw_) {
    fill_raw(part, merger);
  } else {
    for (const char c : part) merger.add(byte_symbols_[std::uint8_t(c)], 1);
  }
  merger.run([&](std::uint32_t left, std::uint32_t right) {
    return pairs_.find(merger[left].symbol, merger[right].symbol);
  });
}

void Bpe::append_piece(SymbolId symbol, std::string_view text, std::vector<Token>& out) const {
  if (symbol != kNoSymbol && symbol < tokens_) return out.push_back(symbol);
  for (const char c : text) {
    const Token token = byte_tokens_[std::uint8_t(c)];
    if (token != kNoToken) out.push_back(token);
  }
}

void Bpe::encode_word(std::string_view word, Scratch& scratch, std::vector<Token>& out) const {
  const Token whole = word.size() <= longest_ ? find_word(word, scratch.mapped) : kNoToken;
  if (whole != kNoToken) {
    // Rows of newlines are not merged where lines are the words.
    const bool newlines = raw_ && word.find_first_not_of('\n') == std::string_view::npos;
    if (ignore_merges_ || newlines || whole_words_.known(whole)) return out.push_back(whole);
  }
  Merger& merger = scratch.merger;
  const auto merge_part = [this](std::string_view part, Merger& into) { merge(part, into); };
  const auto append = [&](SymbolId symbol, std::string_view text) { append_piece(symbol, text, out); };
  if (word.size() > kLongWord) return LongWord(word, merge_part, append, out).encode(merger);
  merge(word, merger);
  if (whole != kNoToken && merger[0].symbol == whole) whole_words_.remember(whole);
  merger.for_each([&](SymbolId symbol, std::size_t begin, std::size_t end) {
    append(symbol, word.substr(begin, end - begin));
  });
}

}  // namespace longhand
