// longhand models: the models on this machine, and which of them can be run here.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/exit_status.h"
#include "cli/models/model_card.h"
#include "cli/models/model_places.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "cli/verbs.h"
#include "engine/longhand.h"
#include "ops/host/machine.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
  std::vector<std::string> folders;
  bool json = false, architectures = false;
};

Json as_json(const FoundModel& model, const ModelCard& card, std::uint64_t available) {
  Json entry = {{"source", model.source},
                {"name", make_visible(model.label)},
                {"path", make_visible(model.path)},
                {"bytes", card.file_bytes},
                {"architecture", make_visible(card.architecture)},
                {"type", card.type},
                {"context", card.context}};
  if (!card.problem.empty()) {
    entry["problem"] = card.problem;
    return entry;
  }
  const Fit found = fit(card, available);
  entry["fits"] = found.fits;
  entry["context_that_fits"] = found.context;
  return entry;
}

std::string as_text(const FoundModel& model, const ModelCard& card, std::uint64_t available) {
  return fmt::format("{:<12}  {:<40}  {:>10}  {:<7}  {:>8}  {}\n{:<14}{}\n", model.source,
                     make_visible(model.label), format_bytes(card.file_bytes), card.type,
                     card.context > 0 ? fmt::format("{}", card.context) : "", fit_text(card, available), "",
                     make_visible(model.path));
}

// A table in Markdown: docs/models.md ends with it.
int list_architectures(bool json) {
  std::vector<ArchitectureInfo> all = architectures();
  std::ranges::sort(all, {}, &ArchitectureInfo::name);
  Json list = Json::array();
  if (!json)
    write_output("| architecture | models | what is special | compared with |\n| --- | --- | --- | --- |\n");
  for (const ArchitectureInfo& a : all) {
    if (json)
      list.push_back(
          {{"architecture", a.name}, {"models", a.models}, {"special", a.special}, {"checked", a.checked}});
    if (!json) write_output(fmt::format("| `{}` | {} | {} | {} |\n", a.name, a.models, a.special, a.checked));
  }
  if (json) write_output(list.dump(2) + "\n");
  return kSuccess;
}

int list_models(const Flags& flags) {
  const std::uint64_t available = available_memory();
  const std::vector<FoundModel> models = find_models(flags.folders);
  Json list = Json::array();
  if (!flags.json && !models.empty()) {
    write_output(
        fmt::format("{:<12}  {:<40}  {:>10}  {:<7}  {:>8}  {}\n", "from", "model", "size", "type", "context",
                    available > 0 ? fmt::format("fits ({} free)", format_bytes(available)) : "fits"));
  }
  for (const FoundModel& model : models) {
    const ModelCard card = read_card(model.path);
    if (flags.json) list.push_back(as_json(model, card, available));
    if (!flags.json) write_output(as_text(model, card, available));
  }
  if (flags.json) write_output(list.dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
  if (models.empty()) print_note("no models found");
  return kSuccess;
}

}  // namespace

void add_models(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("models", "List the models on this machine, also those of other programs");
  auto flags = std::make_shared<Flags>();
  verb->add_option("FOLDER", flags->folders, "Look here too, and in the folders below")->type_name("");
  verb->add_flag("--json", flags->json, "As JSON");
  verb->add_flag("--architectures", flags->architectures, "Which kinds of models longhand runs, instead");
  verb->footer(
      "Looks in the current folder, where `longhand pull` puts models, and where ollama, LM Studio, "
      "llama.cpp and the Hugging Face tools keep "
      "models "
      "($OLLAMA_MODELS, $LLAMA_CACHE, $HF_HUB_CACHE, $HF_HOME, $XDG_CACHE_HOME).");
  verb->callback([flags, &action] {
    action = [flags] { return flags->architectures ? list_architectures(flags->json) : list_models(*flags); };
  });
}

}  // namespace longhand::cli
