// longhand split, longhand merge: a model in several files, and in one again.
#include <fmt/format.h>

#include <memory>

#include "cli/exit_status.h"
#include "cli/make/long_work.h"
#include "cli/models/model_names.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/units.h"
#include "cli/verbs.h"
#include "engine/longhand_edit.h"

namespace longhand::cli {
namespace {

struct SplitFlags {
  std::string model, stem, max_size;
  SplitOptions options;
  bool dry_run = false;
};

// "model.gguf" for a stem would give "model.gguf-00001-of-00002.gguf".
std::string stem_of(std::string name) {
  constexpr std::string_view kEnding = ".gguf";
  if (name.ends_with(kEnding)) name.resize(name.size() - kEnding.size());
  return name;
}

std::string list(const std::vector<ModelPart>& parts) {
  std::string out;
  for (const ModelPart& part : parts) {
    out +=
        fmt::format("{}  {} tensors, {}\n", make_visible(part.path), part.tensors, format_bytes(part.bytes));
  }
  return out;
}

int run_split(SplitFlags flags) {
  if (!flags.max_size.empty()) flags.options.max_bytes = parse_bytes(flags.max_size);
  if (flags.max_size.empty() && flags.options.max_tensors == 0)
    throw UsageError("--max-size or --max-tensors says where the parts end");
  const std::string model = model_path(flags.model), stem = stem_of(flags.stem);
  const auto parts = flags.dry_run ? plan_split(model, stem, flags.options)
                                   : with_bar("splitting", [&](const Progress& progress) {
                                       return split_model(model, stem, flags.options, progress);
                                     });
  write_output(list(parts));
  return kSuccess;
}

}  // namespace

void add_split(CLI::App& app, Action& action) {
  auto flags = std::make_shared<SplitFlags>();
  CLI::App* verb = app.add_subcommand("split", "Write a model as several files");
  verb->add_option("model", flags->model, "The model")->required()->type_name("MODEL");
  verb->add_option("stem", flags->stem, "The files become STEM-00001-of-00003.gguf and so on")
      ->required()
      ->type_name("STEM");
  verb->add_option("--max-size,--split-max-size", flags->max_size, "A part's tensors take at most this")
      ->type_name("SIZE");
  verb->add_option("--max-tensors,--split-max-tensors", flags->options.max_tensors,
                   "A part has at most so many tensors")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  verb->add_flag("--no-tensor-first-split", flags->options.metadata_alone,
                 "The first part has the metadata and no tensor");
  verb->add_flag("--dry-run", flags->dry_run, "Show the parts and write nothing");
  verb->footer("SIZE: 2G, 512MiB. Any program that reads GGUF opens the first part and finds the others.");
  verb->callback([flags, &action] { action = [flags] { return run_split(*flags); }; });
}

void add_merge(CLI::App& app, Action& action) {
  struct Flags {
    std::string first, out;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* verb = app.add_subcommand("merge", "Write a model of several files as one");
  verb->add_option("first", flags->first, "The first of the files")->required()->type_name("FIRST");
  verb->add_option("out", flags->out, "The file to write")->required()->type_name("OUT");
  verb->callback([flags, &action] {
    action = [flags] {
      with_bar("merging", [&](const Progress& progress) {
        merge_model(model_path(flags->first), flags->out, progress);
        return true;
      });
      return int(kSuccess);
    };
  });
}

}  // namespace longhand::cli
