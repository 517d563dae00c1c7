// What conversations are made of: messages, turns, and what a chat template is told. Part of the public
// interface.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/types/token.h"

namespace longhand {

struct ChatMessage {
  std::string role;  ///< "system", "user" or "assistant"; others as the template knows them
  std::string content;
  std::string reasoning =
      {};  ///< of an assistant, without its markers; most templates leave it out of old turns
  /// Of an assistant: a JSON array of {"id", "type": "function", "function": {"name", "arguments"}}, the
  /// arguments as an object or as text of one; empty: none.
  std::string tool_calls = {};
  std::string tool_call_id = {};  ///< of a "tool": the call that `content` is the result of
  std::string name = {};          ///< of a "tool": the function; empty: that of the call
};

/// What a template is told beside the messages.
struct ChatOptions {
  bool add_generation_prompt = true;  ///< ends where the assistant is to write
  std::optional<bool> thinking = {};  ///< whether the model reasons first; unset: as the template likes
  std::string reasoning_effort = {};  ///< "low", "medium", "high" for models that know it; empty: unset
  /// A JSON array of {"type": "function", "function": {"name", "description", "parameters"}} that may be
  /// called; empty: none. ToolSet sets it.
  std::string tools = {};
  std::string variables = {};  ///< a JSON object: more variables for the template; empty: none
};

/// One message of a user and the answer to it.
struct ChatTurn {
  std::string user;
  std::string answer, reasoning;
  bool answered = false;
  bool cut = false;  ///< the answer was stopped before its end
  /// Where functions were called before the answer: the messages that call them and their results, in order.
  std::vector<ChatMessage> steps = {};
};

/// How an answer was generated. Encoding its text anew may give other tokens, and then all that follows would
/// have to be computed again.
struct AnswerTokens {
  std::vector<Token> tokens = {};  ///< as sampled and fed, without the one that ended it; empty: not known
  std::string prompt_end = {};     ///< the last characters of the prompt it answers
};

}  // namespace longhand
