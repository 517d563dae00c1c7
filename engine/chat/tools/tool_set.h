// What stands behind the public ToolSet.
#pragma once

#include <string>
#include <vector>

#include "engine/chat/chat_template.h"
#include "engine/chat/tools/call_grammar.h"
#include "engine/chat/tools/tool_list.h"
#include "engine/longhand_tools.h"

namespace longhand {

struct ToolSet::Impl {
  Impl(std::shared_ptr<const ChatTemplate::Impl> with, std::string_view tools, const ToolOptions& options);

  bool active() const noexcept { return !tools.empty() && choice != ToolChoice::none; }
  const Tokenizer& tokenizer() const;
  const CallForm& form() const { return *written->format.tools().form; }
  bool shown_by_template() const;
  std::vector<PromptPiece> pieces(std::span<const ChatMessage> messages, const ChatOptions& options) const;

  std::shared_ptr<const ChatTemplate::Impl> written;
  std::vector<Tool> tools;
  ToolChoice choice;
  bool several;
  bool in_template = false;  // the template tells of the tools
  /// Where a call is up to the model: of a call. Where it is required: of an answer, and of one that begins
  /// inside reasoning.
  CallGrammar grammar, grammar_in_reasoning;
};

/// `text` as elements of GBNF: control tokens of the vocabulary as tokens, all else as bytes.
std::string spell_for(const Tokenizer& tokenizer, std::string_view text);
/// The control tokens that texts of `form` are made of.
std::vector<Token> marker_tokens(const CallForm& form, const Tokenizer& tokenizer);

}  // namespace longhand
