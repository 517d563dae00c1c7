#include "engine/chat/prompt.h"

#include <utility>

namespace longhand {

std::string prompt_text(std::span<const PromptPiece> pieces) {
  std::string text;
  for (const PromptPiece& piece : pieces) text += piece.text;
  return text;
}

std::vector<Token> PromptEncoder::encode(std::span<const PromptPiece> pieces, bool begins) const {
  std::vector<Token> out;
  std::string plain;  // the stretch since the last control token
  const auto flush = [&] {
    if (plain.empty()) return;
    const auto tokens = tokenizer_.encode(
        plain, {.add_special = false, .parse_special = false, .continues_text = !begins && out.empty()});
    out.insert(out.end(), tokens.begin(), tokens.end());
    plain.clear();
  };
  for (const PromptPiece& piece : pieces) {
    if (!piece.trusted) {
      plain += piece.text;
      continue;
    }
    for (const SpecialTokens::Fragment& fragment : specials_.split(piece.text, true)) {
      if (fragment.token == kNoToken) {
        plain += fragment.text;
        continue;
      }
      flush();
      out.push_back(fragment.token);
    }
  }
  flush();
  const Vocab& vocab = tokenizer_.vocab();
  const bool wants_bos = begins && vocab.add_bos && vocab.bos != kNoToken;
  if (wants_bos && (out.empty() || out.front() != vocab.bos)) out.insert(out.begin(), vocab.bos);
  return out;
}

std::vector<Token> encode_prompt(const Tokenizer& tokenizer, std::span<const PromptPiece> pieces) {
  return PromptEncoder(tokenizer).encode(pieces);
}

}  // namespace longhand
