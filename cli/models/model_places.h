// Models that are on this machine already, wherever other programs put them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longhand::cli {

/// The media type of the layer of a manifest of ollama's that is a model.
inline constexpr std::string_view kOllamaModel = "application/vnd.ollama.image.model";

struct FoundModel {
  std::string source;  // "longhand", "ollama", "LM Studio", "llama.cpp", "Hugging Face", "here", "included"
  std::string label;   // as that program calls it: "llama3.2:latest"
  std::string path;    // of the file to load; of a split model the first part
};

/// Every model once, in a fixed order. Looks at names and small manifests only; folders that are absent or
/// may not be read are passed over.
///   longhand      downloaded_models()
///   ollama        $OLLAMA_MODELS, ~/.ollama/models, /usr/share/ollama/.ollama/models
///   LM Studio     ~/.lmstudio/models, ~/.cache/lm-studio/models
///   llama.cpp     $LLAMA_CACHE, $XDG_CACHE_HOME/llama.cpp
///   Hugging Face  $HF_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub
///   here          the current folder and `folders`
/// and the model that comes with the program.
std::vector<FoundModel> find_models(const std::vector<std::string>& folders = {});

/// Those in a folder and below it.
std::vector<FoundModel> find_models_below(const std::string& folder);

/// Where downloads go, so that other programs find them too; "" where that is not known: Hugging Face's
/// cache, ollama's folder, and $XDG_DATA_HOME/longhand/models for all others.
std::string hub_cache();
std::string ollama_models();
std::string downloaded_models();

/// The model that one of ollama's manifests names, in the folder of its blobs; "" if it names none.
std::string ollama_model_of(const std::string& manifest, const std::string& folder);

}  // namespace longhand::cli
