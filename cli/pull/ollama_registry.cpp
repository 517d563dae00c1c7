#include "cli/pull/ollama_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/models/model_places.h"
#include "cli/pull/http.h"
#include "cli/pull/patience.h"
#include "cli/pull/sha256.h"
#include "cli/terminal/user_dirs.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostAnswer = std::size_t{4} << 20;
constexpr const char* kDenied = "it is private, or not there";

struct OllamaName {
  std::string owner = "library", model, tag = "latest";
  std::string text() const { return (owner == "library" ? "" : owner + "/") + model + ":" + tag; }
};

bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return std::isalnum(std::uint8_t(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 96 && !text.starts_with('.') && std::ranges::all_of(text, allowed);
}

OllamaName parse(const std::string& given) {
  OllamaName name;
  std::string rest = given;
  if (const auto colon = rest.rfind(':'); colon != std::string::npos) {
    name.tag = rest.substr(colon + 1);
    rest.resize(colon);
  }
  if (const auto slash = rest.find('/'); slash != std::string::npos) {
    name.owner = rest.substr(0, slash);
    rest = rest.substr(slash + 1);
  }
  name.model = rest;
  if (!is_name(name.owner) || !is_name(name.model) || !is_name(name.tag))
    throw Error(Errc::range,
                fmt::format("ollama:{}: must be ollama:NAME, with :TAG behind or OWNER/ before it", given));
  return name;
}

std::string registry() { return server_of("OLLAMA_REGISTRY", "https://registry.ollama.ai"); }

std::string folder() {
  std::string folder = ollama_models();
  if (folder.empty())
    throw Error(Errc::missing, "no folder is known to keep models in: neither OLLAMA_MODELS nor HOME is set");
  return folder;
}

std::string manifest_path(const OllamaName& name) {
  return fmt::format("{}/manifests/{}/{}/{}/{}", folder(), host_of(registry()), name.owner, name.model,
                     name.tag);
}

void add_layer(PullPlan& plan, const OllamaName& name, const Json& layer) {
  const std::string digest = layer.at("digest"), type = layer.at("mediaType");
  const std::string sum = digest.starts_with("sha256:") ? digest.substr(7) : "";
  const std::int64_t bytes = layer.at("size");
  if (!is_sha256(sum) || bytes < 0)
    throw Error(Errc::range, fmt::format("{}: '{}' of {} bytes is no layer", name.text(), digest, bytes));
  const bool is_model = type == kOllamaModel;
  const std::string path = fmt::format("{}/blobs/sha256-{}", folder(), sum);
  if (is_model && plan.model.empty()) plan.model = path;
  plan.files.push_back(
      {is_model ? name.text() : fmt::format("{}, {}", name.text(), type.substr(type.rfind('.') + 1)),
       fmt::format("{}/v2/{}/{}/blobs/{}", registry(), name.owner, name.model, digest), path, sum, bytes});
}

}  // namespace

PullPlan plan_ollama(const std::string& given) {
  const OllamaName name = parse(given);
  const std::string url =
      fmt::format("{}/v2/{}/{}/manifests/{}", registry(), name.owner, name.model, name.tag);
  const std::string manifest =
      get_text({url, "", {"Accept: application/vnd.docker.distribution.manifest.v2+json"}, 0}, name.text(),
               kDenied, kMostAnswer);
  PullPlan plan;
  plan.source = name.text();
  plan.denied = kDenied;
  try {
    const Json json = Json::parse(manifest);
    for (const Json& layer : json.at("layers")) add_layer(plan, name, layer);
    if (json.contains("config")) add_layer(plan, name, json.at("config"));
  } catch (const Json::exception&) {
    throw Error(Errc::type, fmt::format("{}: what {} answers is no manifest", name.text(), host_of(url)));
  }
  if (plan.model.empty()) throw Error(Errc::missing, fmt::format("{}: holds no GGUF model", name.text()));
  plan.entries.push_back({manifest_path(name), manifest});
  return plan;
}

std::string find_in_ollama(const std::string& given) {
  const OllamaName name = parse(given);
  if (ollama_models().empty()) return "";
  const std::string path = ollama_model_of(manifest_path(name), folder());
  std::error_code error;
  return !path.empty() && std::filesystem::is_regular_file(path, error) ? path : "";
}

}  // namespace longhand::cli
