// What conversations are made of: messages, turns, and what a chat template is told. Part of the public
// interface.
#pragma once

#include <optional>
#include <string>

namespace longhand {

struct ChatMessage {
  std::string role;  ///< "system", "user" or "assistant"; others as the template knows them
  std::string content;
  std::string reasoning =
      {};  ///< of an assistant, without its markers; most templates leave it out of old turns
  std::string tool_calls = {};  ///< of an assistant: a JSON array as the template wants it; empty: none
};

/// What a template is told beside the messages.
struct ChatOptions {
  bool add_generation_prompt = true;  ///< ends where the assistant is to write
  std::optional<bool> thinking = {};  ///< whether the model reasons first; unset: as the template likes
  std::string reasoning_effort = {};  ///< "low", "medium", "high" for models that know it; empty: unset
  std::string tools = {};             ///< a JSON array of what may be called; empty: none
  std::string variables = {};         ///< a JSON object: more variables for the template; empty: none
};

/// One message of a user and the answer to it.
struct ChatTurn {
  std::string user;
  std::string answer, reasoning;
  bool answered = false;
  bool cut = false;  ///< the answer was stopped before its end
};

}  // namespace longhand
