#include "tests/support/model_sites.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>

#include "cli/pull/sha256.h"

namespace longhand::test {
namespace {

constexpr const char* kConfig = R"({"model_format":"gguf"})";

}  // namespace

std::string sha256_of(const std::string& bytes) {
  cli::Sha256 hash;
  hash.add(std::as_bytes(std::span(bytes)));
  return hash.finish();
}

std::string ModelHub::list() const {
  nlohmann::json answer = {{"id", "org/name"}, {"sha", kCommit}, {"siblings", nlohmann::json::array()}};
  answer["siblings"].push_back({{"rfilename", "README.md"}, {"size", 3}, {"blobId", "00"}});
  for (const auto& [name, bytes] : files) {
    const auto other = claimed.find(name);
    const std::string sum = other == claimed.end() ? sha256_of(bytes) : other->second;
    answer["siblings"].push_back({{"rfilename", name},
                                  {"size", bytes.size()},
                                  {"lfs", {{"sha256", sum}, {"size", bytes.size()}, {"pointerSize", 134}}}});
  }
  return answer.dump();
}

WebAnswer ModelHub::answer(const WebRequest& request) const {
  const auto shown = request.headers.find("authorization");
  if (!token.empty() && (shown == request.headers.end() || shown->second != "Bearer " + token))
    return {.status = 401, .body = "Invalid username or password."};
  if (request.target.starts_with("/api/models/")) {
    if (list_fault) {
      if (const auto fault = list_fault(request)) return *fault;
    }
    if (request.target != "/api/models/org/name?blobs=true") return {.status = 404};
    return {.body = list()};
  }
  const std::string folder = fmt::format("/org/name/resolve/{}/", kCommit);
  if (!request.target.starts_with(folder)) return {.status = 404};
  return {.status = 302,
          .headers = {fmt::format("Location: {}/signed/{}?key=1", store_.url(),
                                  request.target.substr(folder.size()))}};
}

WebAnswer ModelHub::hand_out(const WebRequest& request) const {
  if (file_fault) {
    if (const auto fault = file_fault(request)) return *fault;
  }
  const std::string name = request.target.substr(8, request.target.find('?') - 8);
  const auto file = files.find(name);
  return file == files.end() ? WebAnswer{.status = 404} : file_answer(request, file->second);
}

std::string ModelRegistry::manifest() const {
  const auto layer = [](const std::string& type, const std::string& bytes) {
    return nlohmann::json{
        {"mediaType", type}, {"digest", "sha256:" + sha256_of(bytes)}, {"size", bytes.size()}};
  };
  nlohmann::json manifest = {{"schemaVersion", 2},
                             {"config", layer("application/vnd.docker.container.image.v1+json", kConfig)}};
  manifest["layers"].push_back(layer("application/vnd.ollama.image.model", model_));
  return manifest.dump();
}

WebAnswer ModelRegistry::answer(const WebRequest& request) const {
  const std::string base = "/v2/" + name_;
  if (request.target == base + "/manifests/" + tag_) return {.body = manifest()};
  for (const std::string& bytes : {model_, std::string(kConfig)}) {
    if (request.target == base + "/blobs/sha256:" + sha256_of(bytes)) return file_answer(request, bytes);
  }
  return {.status = 404};
}

}  // namespace longhand::test
