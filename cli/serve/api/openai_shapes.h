// Pieces of requests and replies that OpenAI's APIs and their relatives have in common.
#pragma once

#include <vector>

#include "cli/serve/api/api_error.h"
#include "cli/serve/api/json.h"
#include "cli/serve/chat_run.h"
#include "cli/serve/service.h"

namespace longhand::cli {

/// Sampling, number of answers, their length and what they end before. Throws ApiError.
void read_limits(const Service& service, const Fields& fields, ChatAsk& ask);

/// How a reply is told.
struct Telling {
  bool stream = false, usage = false, progress = false;
};
Telling read_telling(const Fields& fields);

/// All of a chat completion that does not say how it is told. Throws ApiError.
ChatAsk read_chat(const Service& service, const Fields& fields);
/// "tools", "tool_choice", "parallel_tool_calls". Throws ApiError.
void read_tools(const Fields& fields, ChatAsk& ask);
/// The answer is JSON that satisfies a schema, unless it is a call; the model reasons before it only where it
/// is told to.
void hold_to_schema(std::string schema, ChatAsk& ask);

Json usage_json(const ChatUsage& usage);
/// Tokens and milliseconds, named as in llama.cpp's server.
Json timings_json(const RequestResult& result);
Json progress_json(const ReadingProgress& progress);
/// An entry for each token, with the likeliest at its place.
Json log_probabilities_json(const Service& service, const std::vector<TokenStep>& steps);
/// For nobody.
HttpReply client_left();

}  // namespace longhand::cli
