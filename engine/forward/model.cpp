#include "engine/forward/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "engine/types/options.h"
#include "loaders/model/tensors/leftover_tensors.h"
#include "ops/error.h"
#include "ops/format.h"
#include "ops/host/machine.h"
#include "ops/kernel_table.h"

namespace longhand {
namespace {

// Lines for whoever wants them.
class Notes {
 public:
  explicit Notes(const std::function<void(std::string_view)>& log) : log_(log) {}

  template <class... Values>
  void write(fmt::format_string<Values...> format, Values&&... values) const {
    if (log_) log_(fmt::format(format, std::forward<Values>(values)...));
  }

 private:
  const std::function<void(std::string_view)>& log_;
};

// The tensor type that holds most of the file's bytes.
std::string main_type(const Gguf& file) {
  std::map<std::uint32_t, std::size_t> bytes;
  for (const TensorInfo& t : file.tensors()) bytes[t.type_id] += t.data.size();
  const auto most = std::max_element(bytes.begin(), bytes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bytes.end() ? "" : std::string(known_tensor_type(most->first)->name);
}

ModelInfo describe(const ModelData& m) {
  ModelInfo info;
  info.name = m.file.get_string(key::name).value_or(m.file.name());
  info.architecture = m.file.architecture();
  info.type = main_type(m.file);
  info.isa = m.kernels->name;
  info.parameters = m.weights.parameters;
  info.weight_bytes = m.weights.bytes;
  info.vocab = m.config.vocab;
  info.trained_context = m.config.trained_context;
  info.hidden = m.config.hidden;
  info.layers = int(m.config.layers.size());
  // Of the first layer that attends; others may differ.
  const auto attends = std::ranges::find_if(m.config.layers, &LayerShape::attends);
  if (attends != m.config.layers.end()) {
    info.heads = attends->heads;
    info.kv_heads = attends->kv_heads;
  }
  info.warnings = m.tokenizer.vocab().warnings;
  const auto left = std::ranges::count_if(m.file.tensors(), of_other_part, &TensorInfo::name);
  if (left != 0) {
    info.warnings.push_back(fmt::format(
        "the file also holds a part that reads pictures or sound: its {} tensors are left out", left));
  }
  const auto further = std::ranges::count_if(m.file.tensors(), [&](const TensorInfo& t) {
    return of_further_tokens(t.name, info.layers, m.config.skipped_layers);
  });
  if (further != 0) {
    info.warnings.push_back(
        fmt::format("the file also holds layers that predict further tokens: their {} tensors are left out, "
                    "but for guessing ahead",
                    further));
  }
  return info;
}

}  // namespace

ModelData load_model(Gguf file, const LoadOptions& options) {
  check_options(kLoadOptions, options);
  file.override_metadata(options.overrides);
  const Kernels& kernels = choose_kernels(options.isa);
  const Notes notes(options.log);
  notes.write("{}: GGUF version {}, {} keys, {} tensors, {} MiB", escape_controls(file.name(), 300),
              file.version(), file.metadata().size(), file.tensors().size(), file.file_bytes() >> 20);
  ModelConfig config = load_config(file);
  Weights weights = load_weights(file, config);
  Tokenizer tokenizer(load_vocab(file));
  if (tokenizer.size() > config.vocab) {
    throw Error(Errc::mismatch, file.name() + ": the vocabulary has " + std::to_string(tokenizer.size()) +
                                    " tokens, but token_embd.weight only " + std::to_string(config.vocab) +
                                    " rows");
  }
  notes.write("architecture {}, {} layers, {} tokens of vocabulary, kernels {}",
              escape_controls(file.architecture(), 100), config.layers.size(), tokenizer.size(),
              kernels.name);
  const std::uint64_t free = available_memory();
  const bool has_room = free == 0 || repacked_bytes(weights) <= free;
  if (options.repack && has_room) {
    const int threads = options.threads > 0 ? options.threads : usable_cores();
    notes.write("repacking weights of {} MiB, {} threads", repacked_bytes(weights) >> 20, threads);
    Team team(threads);
    repack(weights, file, team, options.progress);
  }
  ModelData model{
      {std::move(config), std::move(weights), &kernels}, std::move(file), std::move(tokenizer), {}};
  model.info = describe(model);
  if (options.repack && !has_room)
    model.info.warnings.push_back(
        "too little memory is free to repack the weights: they are used as the file has them, slower");
  for (const std::string& warning : model.info.warnings) notes.write("{}", warning);
  return model;
}

}  // namespace longhand
