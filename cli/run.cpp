// longhand run: continues a text once. The text goes to stdout, everything else to stderr.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/output_filter.h"
#include "cli/sampling_flags.h"
#include "cli/session_flags.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Flags {
  SessionFlags session;
  SamplingFlags sampling;
  std::string prompt, file, binary_file;
  int max_tokens = -1;
  bool has_prompt = false, escapes = false, no_display_prompt = false;
};

// Backslash escapes of -e; what is none of them stays as written.
std::string unescape(std::string_view text) {
  constexpr std::string_view kWritten = "nrt\\\"'", kMeant = "\n\r\t\\\"'";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto known =
        text[i] == '\\' && i + 1 < text.size() ? kWritten.find(text[i + 1]) : std::string_view::npos;
    out += known == std::string_view::npos ? text[i] : kMeant[known];
    if (known != std::string_view::npos) ++i;
  }
  return out;
}

std::string read_prompt(const Flags& flags) {
  const int sources = int{flags.has_prompt} + int{!flags.file.empty()} + int{!flags.binary_file.empty()};
  if (sources > 1) throw UsageError("give the prompt once: -p, -f or -bf");
  std::string prompt;
  if (flags.has_prompt) {
    prompt = flags.prompt;
  } else if (!flags.binary_file.empty()) {
    prompt = read_text(flags.binary_file);
  } else {
    if (flags.file.empty() && is_terminal(STDIN_FILENO))
      throw UsageError("give a prompt: -p TEXT, -f FILE or a pipe");
    prompt = read_text(flags.file.empty() ? "-" : flags.file);
    // Editors end a text with a newline that is not meant for the model.
    if (prompt.ends_with('\n')) prompt.pop_back();
  }
  return flags.escapes ? unescape(prompt) : prompt;
}

void report(const GenerateResult& result, const Session& session) {
  if (result.reason == StopReason::context_full) {
    print_note(fmt::format("stopped: the context is full ({} of {} tokens; -c sets more)", session.size(),
                           session.context()));
  } else if (result.reason == StopReason::cancelled) {
    print_note("stopped: interrupted");
  }
  if (!is_terminal(STDERR_FILENO) || result.decode_seconds <= 0) return;
  const auto rate = [](std::size_t tokens, double seconds) { return static_cast<double>(tokens) / seconds; };
  write_error(dim(fmt::format("[read {} tokens, {:.1f}/s; wrote {}, {:.1f}/s]", result.prompt_tokens,
                              rate(static_cast<std::size_t>(result.prompt_tokens), result.prompt_seconds),
                              result.tokens.size(), rate(result.tokens.size(), result.decode_seconds))) +
              "\n");
}

int run(const Flags& flags) {
  const SignalScope signals;
  flags.session.report_ignored();
  const std::string prompt = read_prompt(flags);
  const Model model = open_model(flags.session.model, flags.session.load_options());
  Session session(model, flags.session.session_options());
  Sampler sampler(model, flags.sampling.options(model));
  const std::vector<Token> tokens = model.encode(prompt);
  if (tokens.empty())
    throw Error(Errc::range, "the prompt is empty, and this model has no token to begin a text with");

  const CancelOnSignal cancel(session);
  ProgressBar bar("reading");
  session.on_progress([&bar](int done, int total) { bar.update(static_cast<double>(done) / total); });
  const bool filtered = is_terminal(STDOUT_FILENO);
  OutputFilter filter;
  GenerateOptions options;
  options.max_tokens = flags.max_tokens;
  const auto result = generate(session, tokens, sampler, options, [&](std::string_view text) {
    bar.clear();
    write_output(filtered ? filter.push(text) : std::string(text));
    return true;
  });
  write_output(filtered ? filter.finish() + "\n" : "");
  report(result, session);
  if (const int signal = leave_signal()) return kSignalBase + signal;
  return result.reason == StopReason::cancelled ? kInterrupted : kSuccess;
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("run", "Continue a text once: raw completion, without a chat template");
  auto flags = std::make_shared<Flags>();
  auto* prompt =
      verb->add_option("-p,--prompt", flags->prompt, "The text; without it -f, -bf or standard input")
          ->type_name("TEXT");
  verb->add_option("-f,--file", flags->file, "File with the text; one newline at its end is dropped")
      ->type_name("FILE");
  verb->add_option("--binary-file", flags->binary_file, "The same, every byte as it is (-bf)")
      ->type_name("FILE");
  verb->add_option("-n,--n-predict,--predict", flags->max_tokens, "Tokens to write; -1: until the model ends")
      ->capture_default_str()
      ->check(CLI::Range(-1, 1 << 30))
      ->type_name("N");
  verb->add_flag("-e,--escape", flags->escapes, "Read \\n, \\t and such in the text as what they mean");
  for (const char* ignored : {"--no-display-prompt", "--no-conversation", "--no-escape"}) {
    verb->add_flag(ignored, flags->no_display_prompt)->group("");  // what this verb does anyway
  }
  flags->sampling.add_to(*verb);
  flags->session.add_to(*verb);
  verb->get_option("--model")->required();
  verb->callback([flags, prompt, &action] {
    flags->has_prompt = prompt->count() > 0;
    action = [flags] { return run(*flags); };
  });
}

}  // namespace longhand::cli
