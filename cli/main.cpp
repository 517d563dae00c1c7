// The program: a table of verbs, and the one place that turns failures into messages and exit statuses.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <new>
#include <string>
#include <vector>

#include "cli/exit_status.h"
#include "cli/flags/arguments.h"
#include "cli/flags/option_flags.h"
#include "cli/flags/usage.h"
#include "cli/terminal/lost_pages.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/verbs.h"
#include "cli/version.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr void (*kVerbs[])(CLI::App&, Action&) = {
    add_chat,     add_run,        add_models,   add_pull,    add_info,       add_tokenize,
    add_template, add_grammar,    add_logits,   add_embed,   add_rank,       add_serve,
    add_bench,    add_perplexity, add_passkey,  add_split,   add_merge,      add_edit,
    add_diff,     add_imatrix,    add_quantize, add_convert, add_merge_lora, add_completion};

constexpr const char* kFooter =
    "longhand help VERB explains a verb. Try it at once, a small model is included:\n"
    "  longhand chat\n"
    "Environment: LONGHAND_MODEL, the model where none is named; LONGHAND_ISA, the kernels; NO_COLOR;\n"
    "XDG_DATA_HOME, XDG_STATE_HOME and XDG_CACHE_HOME, where files lie. See longhand(1).\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

int fail(std::string_view message, int status) {
  write_error(fmt::format("error: {}\n", message));
  return status;
}

bool has_verb(const CLI::App& app, const std::string& verb) {
  return !app.get_subcommands([&](const CLI::App* a) { return a->get_name() == verb; }).empty();
}

int usage_error(const CLI::App& app, const std::string& verb, const std::string& message) {
  const std::string name = has_verb(app, verb) ? app.get_name() + " " + verb : app.get_name();
  write_error(fmt::format("error: {}\nTry: {} --help\n", escape_controls(message, 480), name));
  return kUsage;
}

int run(int argc, const char* const* argv) {
  CLI::App app("longhand runs GGUF language models on the CPU.", "longhand");
  app.set_version_flag("--version", version_text);
  app.set_help_flag("-h,--help", "Show this help");
  app.require_subcommand(1);
  // As in the tools users come from, a later flag overrides an earlier one.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);

  Action action;
  for (const auto add_verb : kVerbs) add_verb(app, action);
  app.footer(kFooter);  // after the verbs, which would inherit it
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) {
    write_error(app.help());
    return kUsage;
  }
  if (words.front() == "help")
    words =
        words.size() > 1 ? std::vector{words[1], std::string("--help")} : std::vector{std::string("--help")};
  const std::string verb = words.front();
  if (!verb.starts_with('-') && !has_verb(app, verb)) return usage_error(app, verb, unknown_verb(app, verb));
  try {
    std::vector<std::string> arguments = with_environment(app, normalise_arguments(std::move(words)));
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
    app.parse(std::move(arguments));
    return action();
  } catch (const CLI::CallForVersion& version) {
    write_output(version.what());
    return kSuccess;
  } catch (const CLI::CallForHelp&) {
    write_output(app.help());  // of the verb that was named
    return kSuccess;
  } catch (const CLI::ExtrasError&) {
    return usage_error(app, verb, unexpected_words(app));
  } catch (const CLI::ParseError& error) {
    return usage_error(app, verb, error.what());
  } catch (const UsageError& error) { return usage_error(app, verb, error.what()); }
}

}  // namespace
}  // namespace longhand::cli

int main(int argc, char** argv) {
  using namespace longhand::cli;
  // A closed pipe comes back as EPIPE and a file at its limit as EFBIG, so that destructors still run.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  explain_lost_pages();
  try {
    return run(argc, argv);
  } catch (const BrokenPipe&) { return kSignalBase + SIGPIPE; } catch (const longhand::Error& error) {
    if (error.code() != longhand::Errc::cancelled) return fail(with_flags(error.what()), kFailure);
    return leave_signal() != 0 ? kSignalBase + leave_signal() : kInterrupted;
  } catch (const std::bad_alloc&) {
    return fail("out of memory [E_NO_MEMORY]", kFailure);
  } catch (const std::exception& error) { return fail(longhand::escape_controls(error.what()), kFailure); }
}
