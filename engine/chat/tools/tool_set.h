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

  bool held() const noexcept { return active() || !answer_schema.is_null(); }
  bool active() const noexcept { return !tools.empty() && choice != ToolChoice::none; }
  const Tokenizer& tokenizer() const;
  const CallForm& form() const { return *written->format.tools().form; }
  bool shown_by_template() const;
  void write_grammars();
  const CallGrammar& grammar_for(const ToolPrompt& prompt) const noexcept;
  std::vector<PromptPiece> pieces(std::span<const ChatMessage> messages, const ChatOptions& options) const;

  std::shared_ptr<const ChatTemplate::Impl> written;
  std::vector<Tool> tools;
  ToolChoice choice;
  Json answer_schema = {};  // null: any text may be an answer
  bool several;
  bool in_template = false;  // the template tells of the tools
  std::vector<Token> written_out;
  /// Where a call is up to the model, and all other text is free: of a call. Else of an answer, and, where
  /// markers part reasoning from it, of one that begins inside, and of one that does not reason.
  CallGrammar grammar, grammar_in_reasoning, grammar_without_reasoning;
};

}  // namespace longhand
