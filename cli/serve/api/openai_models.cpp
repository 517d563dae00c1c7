// GET /v1/models
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/json.h"
#include "cli/serve/event_stream.h"

namespace longhand::cli {

HttpReply openai_models(Service& service, const Call&) {
  const ModelInfo info = service.model().info();
  return json_reply({{"object", "list"},
                     {"data", Json::array({{{"id", service.name()},
                                            {"object", "model"},
                                            {"created", service.since()},
                                            {"owned_by", "longhand"},
                                            {"meta",
                                             {{"n_ctx", service.context()},
                                              {"n_ctx_train", info.trained_context},
                                              {"n_vocab", info.vocab},
                                              {"n_embd", info.hidden},
                                              {"n_params", info.parameters},
                                              {"size", info.weight_bytes}}}}})}});
}

}  // namespace longhand::cli
