// What ollama's clients ask about models: /api/version, /api/tags, /api/ps, /api/show, and /api/embed
#include "cli/serve/api/endpoints.h"
#include "cli/serve/api/ollama_shapes.h"
#include "cli/serve/api/vectors.h"

namespace longhand::cli {
namespace {

Json details(const ModelInfo& info) {
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", info.architecture},
          {"families", Json::array({info.architecture})},
          {"parameter_size", fmt::format("{:.1f}B", double(info.parameters) / 1e9)},
          {"quantization_level", info.type}};
}

Json model_json(const ServedModels::Entry& entry) {
  Json model = {{"name", entry.name}, {"model", entry.name}, {"modified_at", ollama_time()}, {"digest", ""}};
  if (entry.service) {
    const ModelInfo info = entry.service->model().info();
    model["size"] = info.weight_bytes;
    model["details"] = details(info);
  } else {
    ModelInfo info;
    info.architecture = entry.card.architecture;
    info.type = entry.card.type;
    model["size"] = entry.card.file_bytes;
    model["details"] = details(info);
    model["details"]["parameter_size"] = "";  // which only a loaded model knows
  }
  return model;
}

}  // namespace

HttpReply ollama_version(ServedModels&, const Call&) {
  return json_reply({{"version", std::string(version())}});
}

HttpReply ollama_tags(ServedModels& models, const Call&) {
  Json list = Json::array();
  for (const ServedModels::Entry& entry : models.list()) list.push_back(model_json(entry));
  return json_reply({{"models", std::move(list)}});
}

HttpReply ollama_ps(ServedModels& models, const Call&) {
  Json list = Json::array();
  for (const ServedModels::Entry& entry : models.list()) {
    if (!entry.service) continue;
    Json model = model_json(entry);
    model["size_vram"] = 0;
    model["context_length"] = entry.service->context();
    list.push_back(std::move(model));
  }
  return json_reply({{"models", std::move(list)}});
}

HttpReply ollama_show(Service& service, const Call& call) {
  parse_request(call.request.body);
  const ModelInfo info = service.model().info();
  Json capabilities = Json::array({service.writes() ? "completion" : "embedding"});
  if (service.writes()) capabilities.push_back("tools");
  if (service.writes() && service.written().reasons()) capabilities.push_back("thinking");
  const std::string& arch = info.architecture;
  return json_reply({{"modelfile", ""},
                     {"parameters", ""},
                     {"template", ""},
                     {"details", details(info)},
                     {"model_info",
                      {{"general.architecture", arch},
                       {"general.parameter_count", info.parameters},
                       {arch + ".context_length", info.trained_context},
                       {arch + ".embedding_length", info.hidden},
                       {arch + ".block_count", info.layers}}},
                     {"capabilities", capabilities},
                     {"modified_at", ollama_time()}});
}

HttpReply ollama_embed(Service& service, const Call& call) {
  const Json json = parse_request(call.request.body);
  const Fields fields(json);
  const auto width = fields.integer("dimensions", 1, 1 << 20);
  Vectors vectors = read_vectors(service, call, fields, "input", fields.flag("truncate", true));
  for (std::vector<float>& vector : vectors.values)
    if (width) vector = shorten(std::move(vector), std::size_t(*width));
  return json_reply({{"model", service.name()},
                     {"embeddings", vectors.values},
                     {"total_duration", 0},
                     {"load_duration", 0},
                     {"prompt_eval_count", vectors.tokens}});
}

}  // namespace longhand::cli
