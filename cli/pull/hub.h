// Models of Hugging Face: what a repository holds, and the cache that its own tools share.
#pragma once

#include <string>
#include <vector>

#include "cli/pull/plan.h"

namespace longhand::cli {

/// The address of Hugging Face, or of what $HF_ENDPOINT names in its place.
std::string hub_endpoint();

struct HubName {
  std::string repository;         // "OWNER/REPO"
  std::string quant;              // "Q4_K_M", in any case; "": the one most people take
  std::string file;               // a certain file instead
  std::string revision = "main";  // branch, tag or commit
};

/// "OWNER/REPO", "OWNER/REPO:QUANT" or "OWNER/REPO/FILE.gguf". Throws Error (range).
HubName parse_hub_name(const std::string& name);

/// The files of one model among those of a repository, the first part of a split one first. Throws Error
/// (missing), naming what there is.
std::vector<std::string> choose_files(const std::vector<std::string>& files, const HubName& name);

/// Asks $HF_ENDPOINT, else huggingface.co, with the token of $HF_TOKEN. Throws Error as get_text() does, and:
/// missing (no such model), type, range, limit (an answer that is none).
PullPlan plan_hub(const HubName& name);

/// The model where its cache has all of it; "" where it has not.
std::string find_in_hub_cache(const HubName& name);

}  // namespace longhand::cli
