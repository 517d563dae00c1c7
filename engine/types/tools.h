// What tool calls are made of. Part of the public interface.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types/token.h"

namespace longhand {

enum class ToolChoice : std::uint8_t {
  automatic,  ///< the model decides
  none,       ///< no calls, and the model is not told of any tools
  required    ///< the answer is a call
};

struct ToolOptions {
  ToolChoice choice = ToolChoice::automatic;
  std::string name = {};  ///< the one function that may be called; empty: all of them
  bool parallel = true;   ///< several calls in one answer, where the model can
  /// JSON text of a schema that the answer has to satisfy unless it is a call; empty: any text.
  std::string answer_schema = {};
};

/// One call of a function.
struct ToolCall {
  std::string id = {}, name = {};
  std::string arguments = {};  ///< text of a JSON object, unless the answer was cut
  bool whole = false;          ///< false: the answer ended within the call, or what it says is no JSON object
};

/// A part of an answer.
struct AnswerEvent {
  enum class Kind : std::uint8_t { reasoning, content, call_begin, call_arguments, call_end };
  Kind kind = Kind::content;
  /// Of reasoning and content: whole characters of it. Of call_arguments: more of their JSON text.
  std::string text = {};
  std::size_t call = 0;            ///< of the others: the number of the call
  std::string id = {}, name = {};  ///< of call_begin
  bool whole = true;               ///< of call_end: as in ToolCall
};

/// A conversation as tokens, and where in it an answer begins.
struct ToolPrompt {
  std::vector<Token> tokens = {};
  bool opens_reasoning = false;  ///< the answer begins inside the model's reasoning
  bool may_reason = true;        ///< false: it was asked not to (ChatOptions::thinking)
};

}  // namespace longhand
