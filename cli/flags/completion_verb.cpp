// longhand completion: what shells and the manual are told about the program. Not in --help: packages run it.
#include <memory>

#include "cli/exit_status.h"
#include "cli/flags/completion_scripts.h"
#include "cli/terminal/output.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Options {
  std::string form, manual;
};

int run(const CLI::App& app, const Options& options) {
  const std::vector<VerbFacts> verbs = verbs_of(app);
  if (options.form == "bash") write_output(bash_completion(verbs));
  if (options.form == "zsh") write_output(zsh_completion(verbs));
  if (options.form == "fish") write_output(fish_completion(verbs));
  if (options.form == "man") write_output(manual_page(read_text(options.manual), verbs));
  return kSuccess;
}

}  // namespace

void add_completion(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("completion", "Write a completion script for a shell")->group("");
  verb->add_option("SHELL", options->form, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish", "man"}));
  verb->add_option("MANUAL", options->manual, "man: the page to write the flags into");
  verb->callback([options, &app, &action] { action = [options, &app] { return run(app, *options); }; });
}

}  // namespace longhand::cli
