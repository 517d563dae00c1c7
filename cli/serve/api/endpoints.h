// All that is served: a row for each path.
#pragma once

#include <span>

#include "cli/serve/call.h"
#include "cli/serve/http/http.h"
#include "cli/serve/served_models.h"

namespace longhand::cli {

struct Endpoint {
  const char *method, *path;
  // One of both. They throw ApiError, Error.
  HttpReply (*answer)(Service&, const Call&) = nullptr;       ///< of a model
  HttpReply (*of_all)(ServedModels&, const Call&) = nullptr;  ///< of the server
  bool events = false;                                        ///< streams are server-sent events
};
std::span<const Endpoint> endpoints() noexcept;

// One file each, or one for relatives.
HttpReply openai_models(ServedModels& models, const Call& call);
HttpReply openai_chat(Service& service, const Call& call);
HttpReply openai_completions(Service& service, const Call& call);
HttpReply openai_embeddings(Service& service, const Call& call);
HttpReply openai_rerank(Service& service, const Call& call);
HttpReply anthropic_messages(Service& service, const Call& call);
HttpReply anthropic_count(Service& service, const Call& call);
HttpReply openai_responses(Service& service, const Call& call);
HttpReply ollama_chat(Service& service, const Call& call);
HttpReply ollama_generate(Service& service, const Call& call);
HttpReply ollama_version(ServedModels& models, const Call& call);
HttpReply ollama_tags(ServedModels& models, const Call& call);
HttpReply ollama_ps(ServedModels& models, const Call& call);
HttpReply ollama_show(Service& service, const Call& call);
HttpReply ollama_embed(Service& service, const Call& call);
HttpReply tokenize(Service& service, const Call& call);
HttpReply detokenize(Service& service, const Call& call);
HttpReply apply_template(Service& service, const Call& call);
HttpReply lora_list(Service& service, const Call& call);
HttpReply lora_set(Service& service, const Call& call);
HttpReply health(ServedModels& models, const Call& call);
HttpReply props(Service& service, const Call& call);
HttpReply slots(Service& service, const Call& call);
HttpReply metrics(ServedModels& models, const Call& call);

}  // namespace longhand::cli
