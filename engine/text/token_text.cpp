#include "engine/text/token_text.h"

#include <algorithm>
#include <array>

#include "engine/text/byte_map.h"
#include "engine/text/byte_tokens.h"
#include "engine/text/rwkv_vocab.h"
#include "engine/text/unicode.h"

namespace longhand {
namespace {

// A table for the characters of byte_characters(): all lie below U+0144.
constexpr auto kCharacterBytes = [] {
  std::array<std::int16_t, 0x144> table{};
  for (auto& entry : table) entry = -1;
  for (std::size_t b = 0; b < kByteCharacters.size(); ++b) table[kByteCharacters[b]] = std::int16_t(b);
  return table;
}();

void append_mapped(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    const int byte = c.valid && c.code < kCharacterBytes.size() ? kCharacterBytes[c.code] : -1;
    if (byte >= 0) {
      out += char(byte);
    } else {
      out += text.substr(at, c.length);
    }
    at += c.length;
  }
}

void append_marked(std::string& out, std::string_view text) {
  constexpr std::string_view kSpaceMark = "\xE2\x96\x81";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t mark = std::min(text.find(kSpaceMark, at), text.size());
    out += text.substr(at, mark - at);
    if (mark < text.size()) out += ' ';
    at = mark + kSpaceMark.size();
  }
}

void append_text(std::string& out, const Vocab& vocab, std::size_t token) {
  const std::string_view text = vocab.tokens[token];
  const TokenType type = vocab.types[token];
  if (vocab.kind == VocabKind::rwkv) {
    out += unescape_rwkv(text);
  } else if (type == TokenType::control || type == TokenType::unknown || type == TokenType::user_defined) {
    out += text;
  } else if (type == TokenType::byte) {
    if (const auto byte = parse_byte_token(text)) out += char(*byte);
  } else if (vocab.kind == VocabKind::bpe) {
    append_mapped(out, text);
  } else {
    append_marked(out, text);
  }
}

}  // namespace

TokenTexts::TokenTexts(const Vocab& vocab) {
  ends_.reserve(vocab.tokens.size() + 1);
  ends_.push_back(0);
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    append_text(bytes_, vocab, i);
    ends_.push_back(bytes_.size());
  }
}

// Three passes, each over what the one before left.
std::string clean_up_spaces(std::string_view text) {
  std::string first;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' && i + 1 < text.size() && std::string_view("?!.,").find(text[i + 1]) < 4) continue;
    first += text[i];
  }
  // A lone apostrophe loses the spaces on both sides.
  std::string second;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (first.compare(i, 3, " ' ") == 0) {
      second += '\'';
      i += 2;
    } else {
      second += first[i];
    }
  }
  std::string third;
  for (std::size_t i = 0; i < second.size(); ++i) {
    const std::string_view next = std::string_view(second).substr(i + 1);
    const bool contraction = next.starts_with("'s") || next.starts_with("'m") || next.starts_with("'re") ||
                             next.starts_with("'ve");
    if (second[i] != ' ' || !contraction) third += second[i];
  }
  return third;
}

}  // namespace longhand
