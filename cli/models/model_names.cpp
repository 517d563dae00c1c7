#include "cli/models/model_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "cli/models/converted_folder.h"
#include "cli/models/model_places.h"
#include "cli/pull/hub.h"
#include "cli/pull/source.h"
#include "cli/terminal/user_dirs.h"
#include "engine/longhand_convert.h"
#include "ops/error.h"

namespace longhand::cli {
namespace fs = std::filesystem;
namespace {

std::string without_ending(const std::string& label) {
  return label.ends_with(".gguf") ? label.substr(0, label.size() - 5) : label;
}

// OWNER/REPO[:QUANT] of what the cache of Hugging Face holds.
std::string in_hub_cache(const std::string& name) {
  try {
    return find_in_hub_cache(parse_hub_name(name));
  } catch (const Error&) { return ""; }  // no such name
}

// The models for which `fits` holds. Throws where there are several.
template <class Fits>
std::string only_one(const std::vector<FoundModel>& models, const std::string& name, const Fits& fits) {
  std::vector<const FoundModel*> found;
  for (const FoundModel& model : models) {
    if (fits(model)) found.push_back(&model);
  }
  if (found.empty()) return "";
  if (found.size() == 1) return found.front()->path;
  std::vector<std::string> labels;
  for (const FoundModel* model : found) labels.push_back(model->label);
  throw Error(Errc::range, fmt::format("'{}' could be any of these: {}", name, fmt::join(labels, ", ")));
}

}  // namespace

bool is_called(const FoundModel& model, const std::string& name) {
  const std::string file = fs::path(model.label).filename().string();
  return model.label == name || model.label == name + ":latest" || file == name ||
         without_ending(file) == name || (model.source == "included" && name == "included");
}

std::string model_path(const std::string& name) {
  std::error_code error;
  const std::string path = expand_home(name);
  if (is_model_folder(path)) return converted_folder(path);
  if (name.empty() || fs::exists(path, error)) return path;
  if (is_source(name)) return obtain_source(name);
  const std::vector<FoundModel> models = find_models();
  // What comes first in the list is taken of several with one name.
  const auto called =
      std::ranges::find_if(models, [&](const FoundModel& model) { return is_called(model, name); });
  if (called != models.end()) return called->path;
  if (std::string cached = in_hub_cache(name); !cached.empty()) return cached;
  const bool is_part = name.find('/') == std::string::npos && !name.ends_with(".gguf");
  const std::string found = !is_part ? "" : only_one(models, name, [&](const FoundModel& model) {
    return model.label.find(name) != std::string::npos;
  });
  return found.empty() ? name : found;
}

}  // namespace longhand::cli
