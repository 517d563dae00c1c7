// longhand pull: brings a model to this machine.
#include <fmt/format.h>

#include <memory>

#include "cli/exit_status.h"
#include "cli/pull/sha256.h"
#include "cli/pull/source.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Flags {
  std::string source, sha256;
  bool dry_run = false;
};

int pull(const Flags& flags) {
  const SignalScope signals;
  const PullPlan plan = plan_source(flags.source, flags.sha256);
  if (flags.dry_run) {
    write_output(describe(plan));
    return kSuccess;
  }
  try {
    carry_out(plan);
  } catch (const Error& error) {
    if (error.code() == Errc::cancelled) print_note("stopped; the same command goes on from here");
    throw;
  }
  print_note(fmt::format("{} is there; longhand chat {} opens it", plan.source, flags.source));
  write_output(plan.model + "\n");
  return kSuccess;
}

}  // namespace

void add_pull(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("pull", "Download a model");
  auto flags = std::make_shared<Flags>();
  verb->add_option("SOURCE", flags->source,
                   "hf:OWNER/REPO[:QUANT], hf:OWNER/REPO/FILE.gguf, ollama:NAME[:TAG] or a URL")
      ->required()
      ->type_name("");
  verb->add_flag("--dry-run", flags->dry_run,
                 "Only tell which files would come, how large they are and where they go");
  verb->add_option("--sha256", flags->sha256,
                   "What the SHA-256 of a URL's file must be; other sources tell it")
      ->check([](const std::string& text) {
        return is_sha256(text) ? "" : "'" + text + "' must be 64 digits 0-9a-f";
      })
      ->type_name("DIGITS");
  verb->footer(
      "Writes the path of the model on standard output. What is stopped goes on where it was with the same "
      "command.\n"
      "Models of Hugging Face and ollama go where their own tools keep them, others to\n"
      "~/.local/share/longhand/models; `longhand models` lists all.\n"
      "Environment: HF_TOKEN, for repositories that ask who reads them; HF_ENDPOINT and OLLAMA_REGISTRY, "
      "other\n"
      "servers; HF_HUB_CACHE, HF_HOME and OLLAMA_MODELS, where models go; https_proxy.");
  verb->callback([flags, &action] { action = [flags] { return pull(*flags); }; });
}

}  // namespace longhand::cli
