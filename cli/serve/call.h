// A request on its way through an endpoint.
#pragma once

#include <memory>
#include <string>

#include "cli/serve/http/http.h"
#include "engine/longhand_serve.h"

namespace longhand::cli {

/// What the log says of a request beside its path and status. Prompts and answers are not in it.
struct RequestNote {
  int answers = 0, prompt_tokens = 0, cached_tokens = 0, written_tokens = 0;
  double prompt_seconds = 0, write_seconds = 0;
  const char* end = "";  ///< why the last answer ended
  bool left = false;     ///< the client did not wait for it

  void add(const RequestResult& result) {
    ++answers;
    prompt_tokens += result.prompt_tokens;
    cached_tokens += result.cached_tokens;
    written_tokens += result.written_tokens;
    prompt_seconds += result.prompt_seconds;
    write_seconds += result.write_seconds;
    end = result.error ? "failed" : stop_reason_name(result.reason).data();
  }
};

struct Call {
  HttpRequest request;
  std::shared_ptr<RequestNote> note;
};

}  // namespace longhand::cli
