// A rendered prompt, and its tokens: control tokens come from the template only, never from what users wrote.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/text/special_tokens.h"
#include "engine/text/tokenizer.h"

namespace longhand {

struct PromptPiece {
  std::string text;
  bool trusted = false;  ///< written by the template
  bool operator==(const PromptPiece&) const = default;
};

/// The pieces' text in one.
std::string prompt_text(std::span<const PromptPiece> pieces);

/// Encodes prompts for one tokenizer, which must outlive it.
///
/// Control tokens are looked for in trusted text only. Between them trusted and other text is encoded in one
/// stretch, so that a word has the same tokens whether or not a piece ends inside it, and a space prefix
/// comes only where the text begins or a control token precedes.
class PromptEncoder {
 public:
  explicit PromptEncoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer), specials_(tokenizer.vocab()) {}

  /// `begins`: the text begins here and gets the vocabulary's begin-of-text token unless the
  /// template wrote it; else it goes on after other text.
  std::vector<Token> encode(std::span<const PromptPiece> pieces, bool begins = true) const;
  const SpecialTokens& specials() const noexcept { return specials_; }

 private:
  const Tokenizer& tokenizer_;
  SpecialTokens specials_;
};

/// One prompt; make a PromptEncoder for many.
std::vector<Token> encode_prompt(const Tokenizer& tokenizer, std::span<const PromptPiece> pieces);

}  // namespace longhand
