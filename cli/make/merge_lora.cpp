// longhand merge-lora: a model with adapters merged into its weights.
#include <fmt/format.h>

#include <memory>

#include "cli/exit_status.h"
#include "cli/flags/adapter_flags.h"
#include "cli/make/long_work.h"
#include "cli/models/model_names.h"
#include "cli/terminal/terminal.h"
#include "cli/verbs.h"
#include "engine/longhand_merge.h"

namespace longhand::cli {
namespace {

struct Flags {
  std::string model, type;
  std::vector<std::string> files;  // the adapters, then the new model
  int threads = 0;
};

int merge(const Flags& flags) {
  if (flags.files.size() < 2)
    throw UsageError("give an adapter and the file to write: MODEL ADAPTER OUT.gguf");
  std::vector<ScaledAdapter> adapters;
  for (std::size_t i = 0; i + 1 < flags.files.size(); ++i) {
    ScaledFile file = scaled_file("ADAPTER", flags.files[i]);
    adapters.push_back({std::move(file.path), file.scale});
  }
  const std::string model = model_path(flags.model);
  const MergeReport report = with_bar("merging", [&](const Progress& progress) {
    return merge_lora(model, adapters, flags.files.back(),
                      {.type = flags.type, .threads = flags.threads, .progress = progress});
  });
  print_note(fmt::format("{} tensors changed", report.tensors));
  return kSuccess;
}

}  // namespace

void add_merge_lora(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("merge-lora", "Write a model with adapters merged into its weights");
  auto flags = std::make_shared<Flags>();
  verb->add_option("MODEL", flags->model, "Model file, or a name that `longhand models` lists")
      ->required()
      ->type_name("");
  verb->add_option("ADAPTER", flags->files,
                   "Adapters (LoRA), each as FILE or FILE:SCALE, then the file to write")
      ->required()
      ->expected(2, 1 << 10)
      ->type_name("ADAPTER[:SCALE]... OUT.gguf");
  verb->add_option("--outtype", flags->type,
                   "Type of the tensors that change, such as f16 or Q8_0; default: each keeps its own")
      ->type_name("TYPE");
  verb->add_option("-t,--threads", flags->threads, "Threads; 0: as many as there are cores")
      ->check(CLI::Range(0, 1024))
      ->type_name("N");
  verb->footer("OUT.gguf takes its name only when it is whole. docs/adapters.md says more.");
  verb->callback([flags, &action] { action = [flags] { return merge(*flags); }; });
}

}  // namespace longhand::cli
