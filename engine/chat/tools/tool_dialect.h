// What a chat template does with tools, found by trying it out.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "engine/types/chat.h"

namespace longhand {

struct CallForm;

/// How a template wants calls and results in a conversation.
struct ToolDialect {
  bool shows_tools = false;        ///< it tells the model of tools
  bool shows_calls = false;        ///< it writes calls of earlier answers
  bool shows_results = false;      ///< it writes messages of role "tool"
  bool arguments_as_text = false;  ///< arguments are text of JSON instead of an object
  bool content_as_none = false;    ///< the content of an answer that has calls and no text is none
  bool short_ids = false;          ///< identities of calls must be nine letters and digits
  const CallForm* form = nullptr;  ///< how the model writes calls; never null once found
};

/// The conversation as the template writes it under a dialect. Throws Error where it refuses it.
using DialectTrial =
    std::function<std::string(std::span<const ChatMessage>, const ChatOptions&, const ToolDialect&)>;

/// `template_text` may tell the form where the template does not write calls, and so does `vocabulary_form`,
/// whose marker the vocabulary has as a token; null: there is none.
ToolDialect find_tool_dialect(const DialectTrial& trial, std::string_view template_text,
                              const CallForm* vocabulary_form);

}  // namespace longhand
