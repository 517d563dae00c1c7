#include "cli/flags/adapter_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>

namespace longhand::cli {
namespace {

CLI::Option* add_list(CLI::App& group, const char* flags, std::vector<std::string>& list, const char* help) {
  return group.add_option(flags, list, help)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(1)
      ->type_name("FILE[:SCALE]");
}

// What a flag names: files with commas between them, unless all of it is one file.
std::vector<ScaledFile> files_of(const std::string& flag, const std::string& text) {
  std::error_code ignored;
  for (const std::string& whole : {text, text.substr(0, text.rfind(':'))})
    if (std::filesystem::exists(whole, ignored)) return {scaled_file(flag, text)};
  std::vector<ScaledFile> files;
  for (const std::string& part : CLI::detail::split(text, ',')) files.push_back(scaled_file(flag, part));
  return files;
}

std::vector<ScaledFile> files_of(const std::string& flag, const std::vector<std::string>& texts) {
  std::vector<ScaledFile> files;
  for (const std::string& text : texts) std::ranges::move(files_of(flag, text), std::back_inserter(files));
  return files;
}

}  // namespace

ScaledFile scaled_file(const std::string& flag, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::error_code ignored;
  if (colon == std::string::npos || std::filesystem::exists(text, ignored)) return {text};
  ScaledFile file{text.substr(0, colon)};
  const std::string scale = text.substr(colon + 1);
  if (!CLI::detail::lexical_cast(scale, file.scale) || !std::isfinite(file.scale))
    throw CLI::ValidationError(flag, fmt::format("'{}': the scale '{}' must be a number", text, scale));
  return file;
}

void AdapterFlags::add_to(CLI::App& verb) {
  auto* group = verb.add_option_group("Adapters");
  add_list(*group, "--lora,--lora-scaled", adapters_,
           "Adapter of low rank (LoRA) that is computed beside the model; several add up");
  add_list(*group, "--control-vector,--control-vector-scaled", controls_,
           "Control vector, whose directions are added behind layers; several add up");
  group
      ->add_option("--control-vector-layer-range", layers_,
                   "Only layers numbered FIRST to LAST get their direction; the model's first is 0")
      ->type_name("FIRST LAST");
}

std::vector<ScaledFile> AdapterFlags::adapters() const { return files_of("--lora", adapters_); }

void AdapterFlags::load(const Model& model, SessionOptions& options) const {
  for (const ScaledFile& file : adapters())
    options.adapters.push_back({Adapter::load(model, file.path), file.scale});
  for (const ScaledFile& file : files_of("--control-vector", controls_)) {
    ControlUse use{ControlVector::load(model, file.path), file.scale};
    if (layers_.first >= 0) use.first_layer = layers_.first;
    if (layers_.second >= 0) use.last_layer = layers_.second;
    options.control_vectors.push_back(std::move(use));
  }
}

}  // namespace longhand::cli
