// GET /v1/models
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/json.h"
#include "cli/serve/event_stream.h"

namespace longhand::cli {
namespace {

Json model_json(const ServedModels::Entry& entry) {
  Json model = {{"id", entry.name},
                {"object", "model"},
                {"created", entry.service ? entry.service->since() : now_seconds()},
                {"owned_by", "longhand"},
                {"status", {{"value", entry.service ? "loaded" : "unloaded"}}}};
  if (!entry.service) {
    model["meta"] = {{"n_ctx_train", entry.card.context}, {"size", entry.card.file_bytes}};
    return model;
  }
  const ModelInfo info = entry.service->model().info();
  model["meta"] = {{"n_ctx", entry.service->context()},
                   {"n_ctx_train", info.trained_context},
                   {"n_vocab", info.vocab},
                   {"n_embd", info.hidden},
                   {"n_params", info.parameters},
                   {"size", info.weight_bytes}};
  return model;
}

}  // namespace

HttpReply openai_models(ServedModels& models, const Call&) {
  Json data = Json::array();
  for (const ServedModels::Entry& entry : models.list()) data.push_back(model_json(entry));
  return json_reply({{"object", "list"}, {"data", std::move(data)}});
}

}  // namespace longhand::cli
