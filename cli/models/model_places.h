// Models that are on this machine already, wherever other programs put them.
#pragma once

#include <string>
#include <vector>

namespace longhand::cli {

struct FoundModel {
  std::string source;  // "ollama", "LM Studio", "llama.cpp", "Hugging Face", "here", "included"
  std::string label;   // as that program calls it: "llama3.2:latest"
  std::string path;    // of the file to load; of a split model the first part
};

/// Every model once, in a fixed order. Looks at names and small manifests only; folders that are absent or
/// may not be read are passed over.
///   ollama        $OLLAMA_MODELS, ~/.ollama/models, /usr/share/ollama/.ollama/models
///   LM Studio     ~/.lmstudio/models, ~/.cache/lm-studio/models
///   llama.cpp     $LLAMA_CACHE, $XDG_CACHE_HOME/llama.cpp
///   Hugging Face  $HF_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub
///   here          the current folder and `folders`
/// and the model that comes with the program.
std::vector<FoundModel> find_models(const std::vector<std::string>& folders = {});

}  // namespace longhand::cli
