// The tokens of answers as they were generated, in place of the answers' text in a prompt. Encoding an answer
// anew may give other tokens, and then all that follows would have to be computed again.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/chat/prompt.h"
#include "engine/types/chat.h"

namespace longhand {

/// Bytes of AnswerTokens::prompt_end, which tell one place of a template from others.
inline constexpr std::size_t kPromptEnd = 32;

/// Bytes [begin, end) of a prompt's text, and the tokens that take their place.
struct KnownStretch {
  std::size_t begin = 0, end = 0;
  std::span<const Token> tokens = {};
  std::string space = {};  ///< stands before them instead of the white space there
};

/// Where `turns` have their answers in a prompt: `answers` has an entry for each turn. `text_of` gives a
/// token's bytes as they are streamed. White space around an answer, which templates take away or add, may
/// differ; an answer that is not found, because the template writes it in another way, is left out.
std::vector<KnownStretch> find_answers(std::span<const PromptPiece> pieces, std::span<const ChatTurn> turns,
                                       std::span<const AnswerTokens> answers,
                                       const std::function<std::string(Token)>& text_of);

/// The tokens of a prompt with `known` stretches, which ascend, as they are.
std::vector<Token> encode_with(const PromptEncoder& encoder, std::span<const PromptPiece> pieces,
                               std::span<const KnownStretch> known);

}  // namespace longhand
