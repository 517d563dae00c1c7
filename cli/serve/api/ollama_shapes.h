// Pieces that ollama's paths have in common.
#pragma once

#include <string>

#include "cli/serve/api/json.h"
#include "cli/serve/chat_run.h"
#include "cli/serve/event_stream.h"

namespace longhand::cli {

/// Now, as ollama writes times.
std::string ollama_time();
/// {"model", "created_at"}
Json ollama_begin(const Service& service);
/// The end of a reply: why it ended, counts, and durations in nanoseconds.
void end_reply(Json& reply, const RequestResult& result);
/// "options", "format", "think" and what else says how to answer. Throws ApiError.
void read_ollama_options(const Service& service, const Fields& fields, ChatAsk& ask);

/// A line of JSON each.
inline HttpReply line_reply(std::function<void(const HttpSink&)> write) {
  return {.type = "application/x-ndjson", .stream = std::move(write)};
}

}  // namespace longhand::cli
