#include "cli/models/model_places.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/models/models_path.h"
#include "cli/models/split_files.h"
#include "cli/pull/sha256.h"
#include "cli/terminal/output.h"
#include "cli/terminal/user_dirs.h"
#include "ops/error.h"

namespace longhand::cli {
namespace fs = std::filesystem;
namespace {

// Deep enough for every layout, and for nobody's whole home folder.
constexpr int kMaxDepth = 6;
constexpr std::size_t kMaxEntries = 100'000;

// Every file below `folder`, in order of path; links to folders are not followed.
std::vector<fs::path> files_below(const fs::path& folder, int depth) {
  std::vector<fs::path> out;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, error);
  std::size_t seen = 0;
  for (const fs::recursive_directory_iterator end; !error && entry != end && seen < kMaxEntries;
       entry.increment(error), ++seen) {
    if (entry.depth() >= depth) entry.disable_recursion_pending();
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) out.push_back(entry->path());
  }
  std::ranges::sort(out);
  return out;
}

class Search {
 public:
  void add(const std::string& source, const std::string& label, const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);  // caches link to one another
    if (error || !fs::is_regular_file(real, error) || !seen_.insert(real.string()).second) return;
    found_.push_back({source, label, path.string()});
  }

  using Label = std::function<std::string(const fs::path& path, const fs::path& folder)>;

  void add_folder(const std::string& source, const fs::path& folder, int depth, const Label& label) {
    if (folder.empty()) return;
    for (const fs::path& path : files_below(folder, depth)) {
      if (path.extension() == ".gguf" && !is_later_part(path.filename().string()))
        add(source, label(path, folder), path);
    }
  }

  std::vector<FoundModel> take() { return std::move(found_); }

 private:
  std::set<std::string> seen_;
  std::vector<FoundModel> found_;
};

std::string relative_label(const fs::path& path, const fs::path& folder) {
  return path.lexically_relative(folder).string();
}

// models--ORG--NAME/snapshots/REVISION/FILE becomes ORG/NAME/FILE; other files keep their path.
std::string hub_label(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  std::vector<std::string> parts;
  for (const fs::path& part : relative) parts.push_back(part.string());
  constexpr std::string_view kModels = "models--";
  if (parts.size() < 4 || !parts[0].starts_with(kModels) || parts[1] != "snapshots") return relative.string();
  std::string label = parts[0].substr(kModels.size());
  if (const auto dashes = label.find("--"); dashes != std::string::npos)
    label = fmt::format("{}/{}", label.substr(0, dashes), label.substr(dashes + 2));
  for (std::size_t i = 3; i < parts.size(); ++i) label.append("/").append(parts[i]);
  return label;
}

// "sha256:" and 64 digits as the blob's file name; "" for anything else, so that a manifest cannot point
// elsewhere.
std::string blob_name(const std::string& digest) {
  constexpr std::string_view kPrefix = "sha256:";
  const std::string_view digits = std::string_view(digest).substr(std::min(kPrefix.size(), digest.size()));
  if (!digest.starts_with(kPrefix) || !is_sha256(digits)) return "";
  return fmt::format("sha256-{}", digits);
}

// The digest of a manifest's layer that is a model; "" if there is none.
std::string model_digest(const fs::path& manifest) {
  constexpr std::uintmax_t kMaxBytes = 1 << 20;
  std::error_code error;
  if (fs::file_size(manifest, error) > kMaxBytes || error) return "";
  try {
    const auto json = nlohmann::json::parse(read_text(manifest.string()));
    for (const auto& layer : json.at("layers")) {
      if (layer.at("mediaType") == kOllamaModel) return layer.at("digest");
    }
  } catch (const nlohmann::json::exception&) {
  } catch (const Error&) {}  // not a manifest we know, or not ours to read
  return "";
}

// manifests/REGISTRY/OWNER/NAME/TAG as ollama shows it: NAME:TAG for its own library, else with what differs.
std::string ollama_label(const fs::path& manifest, const fs::path& manifests) {
  std::vector<std::string> parts;
  for (const fs::path& part : manifest.lexically_relative(manifests)) parts.push_back(part.string());
  if (parts.size() < 3) return manifest.filename().string();
  const std::string tag = parts.back();
  parts.pop_back();
  if (parts[0] == "registry.ollama.ai" || parts[0] == "ollama.com") {
    parts.erase(parts.begin());
    if (parts.size() > 1 && parts[0] == "library") parts.erase(parts.begin());
  }
  return fmt::format("{}:{}", fmt::join(parts, "/"), tag);
}

void add_ollama(Search& search, const fs::path& folder) {
  if (folder.empty()) return;
  for (const char* kind : {"manifests", "manifests-v2"}) {
    const fs::path manifests = folder / kind;
    for (const fs::path& manifest : files_below(manifests, kMaxDepth)) {
      const std::string path = ollama_model_of(manifest.string(), folder.string());
      if (!path.empty()) search.add("ollama", ollama_label(manifest, manifests), path);
    }
  }
}

std::string below(const std::string& folder, const char* path) { return folder.empty() ? "" : folder + path; }

// In the order they are looked at; empty where unknown.
std::array<std::string, 3> ollama_folders() {
  return {environment("OLLAMA_MODELS"), below(home_folder(), "/.ollama/models"),
          "/usr/share/ollama/.ollama/models"};
}
std::array<std::string, 3> hub_caches() {
  return {environment("HF_HUB_CACHE"), below(environment("HF_HOME"), "/hub"),
          below(cache_home(), "/huggingface/hub")};
}
template <std::size_t N>
std::string first_known(const std::array<std::string, N>& folders) {
  const auto known = std::ranges::find_if(folders, [](const std::string& folder) { return !folder.empty(); });
  return known == folders.end() ? "" : *known;
}

}  // namespace

std::string hub_cache() { return first_known(hub_caches()); }
std::string ollama_models() { return first_known(ollama_folders()); }
std::string downloaded_models() { return below(data_folder(), "/models"); }

std::string ollama_model_of(const std::string& manifest, const std::string& folder) {
  const std::string blob = blob_name(model_digest(manifest));
  return blob.empty() ? "" : folder + "/blobs/" + blob;
}

std::vector<FoundModel> find_models_below(const std::string& folder) {
  Search search;
  search.add_folder("here", folder, kMaxDepth, relative_label);
  return search.take();
}

std::vector<FoundModel> find_models(const std::vector<std::string>& folders) {
  const std::string home = home_folder(), cache = cache_home();
  Search search;
  for (const std::string& folder : folders) search.add_folder("here", folder, kMaxDepth, relative_label);
  search.add_folder("here", ".", 0, relative_label);
  search.add_folder("longhand", downloaded_models(), kMaxDepth, relative_label);
  for (const fs::path folder : ollama_folders()) add_ollama(search, folder);
  for (const fs::path folder : {below(home, "/.lmstudio/models"), below(cache, "/lm-studio/models")})
    search.add_folder("LM Studio", folder, kMaxDepth, relative_label);
  // llama.cpp downloaded to flat files first, later into the layout of the hub's cache.
  for (const fs::path folder : {environment("LLAMA_CACHE"), below(cache, "/llama.cpp")})
    search.add_folder("llama.cpp", folder, kMaxDepth, hub_label);
  for (const fs::path folder : hub_caches()) search.add_folder("Hugging Face", folder, kMaxDepth, hub_label);
  if (const std::string included = bundled_model(); !included.empty())
    search.add("included", fs::path(included).filename().string(), included);
  return search.take();
}

}  // namespace longhand::cli
