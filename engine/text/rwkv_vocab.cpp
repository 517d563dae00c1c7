#include "engine/text/rwkv_vocab.h"

#include "engine/text/byte_tokens.h"

namespace longhand {

std::string unescape_rwkv(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char letter = text[++i];
    if (letter == 'x') {
      // The digits of \xHH are those of a byte token <0xHH>.
      if (const auto byte = parse_byte_token("<0x" + std::string(text.substr(i + 1, 2)) + ">")) {
        out += char(*byte);
        i += 2;
        continue;
      }
    }
    out += letter == 't' ? '\t' : letter == 'n' ? '\n' : letter == 'r' ? '\r' : letter;
  }
  return out;
}

RwkvVocab::RwkvVocab(const Vocab& vocab) : unknown_(vocab.unk) {
  std::vector<PrefixIndex::Entry> entries;
  for (std::size_t i = 0; i < vocab.tokens.size(); ++i) {
    if (!is_text_token(vocab.types[i])) continue;
    texts_.push_back(unescape_rwkv(vocab.tokens[i]));
    entries.push_back({texts_.back(), Token(i)});
  }
  index_ = PrefixIndex(std::move(entries));
}

void RwkvVocab::encode(std::string_view text, bool, std::vector<Token>& out) const {
  while (!text.empty()) {
    const std::uint32_t entry = index_.longest_prefix(text);
    if (entry == PrefixIndex::kNone) {
      if (unknown_ != kNoToken) out.push_back(unknown_);
      text.remove_prefix(1);
    } else {
      out.push_back(index_.entries()[entry].token);
      text.remove_prefix(index_.entries()[entry].text.size());
    }
  }
}

}  // namespace longhand
