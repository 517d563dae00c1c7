// longhand run: continues a text once. The text goes to stdout, everything else to stderr.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <span>

#include "cli/chat/answer_view.h"
#include "cli/chat/context_hint.h"
#include "cli/chat/reach_note.h"
#include "cli/exit_status.h"
#include "cli/flags/sampling_flags.h"
#include "cli/flags/session_flags.h"
#include "cli/flags/speculation_flags.h"
#include "cli/prompt_cache.h"
#include "cli/terminal/escapes.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/text_file.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Flags {
  SessionFlags session{adapting_session()};
  SamplingFlags sampling;
  SpeculationFlags speculation;
  std::string prompt, file, binary_file, prompt_cache;
  std::vector<std::string> stops;
  int max_tokens = -1, kept = 0;
  bool has_prompt = false, escapes = false, json = false, show_prompt = false, as_usual = false;
  bool cache_answer = false, cache_is_fixed = false;
};

// A file before -p, so that a text can be followed by what to do with it.
std::string read_prompt(const Flags& flags) {
  if (!flags.binary_file.empty()) {
    if (flags.has_prompt || !flags.file.empty()) throw UsageError("-bf goes with neither -p nor -f");
    return read_text(flags.binary_file);
  }
  const bool from_stdin = flags.file.empty() && !flags.has_prompt;
  if (from_stdin && is_terminal(STDIN_FILENO)) throw UsageError("give a prompt: -p TEXT, -f FILE or a pipe");
  std::string prompt;
  if (from_stdin || !flags.file.empty()) {
    prompt = read_plain_text(from_stdin ? "-" : flags.file);
    // Editors end a text with a newline that is not meant for the model.
    if (prompt.ends_with('\n') && !flags.has_prompt) prompt.pop_back();
  }
  prompt += without_mark(flags.prompt);
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
  const auto rate = [](std::size_t tokens, double seconds) { return double(tokens) / seconds; };
  write_error(
      dim(fmt::format("[read {} tokens, {:.1f}/s; wrote {}, {:.1f}/s{}]", result.prompt_tokens,
                      rate(std::size_t(result.prompt_tokens), result.prompt_seconds), result.tokens.size(),
                      rate(result.tokens.size(), result.decode_seconds), describe_guesses(result))) +
      "\n");
}

// The text as it comes, for people and pipes.
class PlainText {
 public:
  void operator()(std::string_view text) { write_output(filtered_ ? filter_.push(text) : std::string(text)); }
  void finish() { write_output(filtered_ ? filter_.finish() + "\n" : ""); }

 private:
  bool filtered_ = is_terminal(STDOUT_FILENO);
  OutputFilter filter_;
};

// What both ways of showing a text share: a prepared session, and the prompt.
struct Job {
  Session& session;
  Sampler& sampler;
  std::span<const Token> prompt;  // what the session does not hold yet
  GenerateOptions options;
};

GenerateResult run_for_people(const Job& job) {
  ProgressBar bar("reading");
  job.session.on_progress([&bar](int done, int total) { bar.update(double(done) / total); });
  PlainText out;
  auto result = generate(job.session, job.prompt, job.sampler, job.options, [&](std::string_view text) {
    bar.clear();
    out(text);
    return true;
  });
  out.finish();
  report(result, job.session);
  return result;
}

GenerateResult run_for_programs(const Job& job, AnswerView& view) {
  view.ready(job.session, job.sampler.seed());
  job.session.on_progress([&view](int done, int total) { view.reading(done, total); });
  auto result = generate(job.session, job.prompt, job.sampler, job.options, [&](std::string_view text) {
    view.text(text, false);
    return true;
  });
  view.end(answer_of(result), job.session);
  return result;
}

constexpr int kRoom = 256;  // tokens to write, where nobody said how many

int continue_text(const Flags& flags, AnswerView* view) {
  const std::string prompt = read_prompt(flags);
  LoadOptions load = flags.session.load_options();
  if (view != nullptr) load.progress = loading_events();
  const Model model = flags.session.open(flags.session.model, load);
  const SessionOptions session_options = flags.session.session_options(model);
  Session session(model, session_options);
  Sampler sampler(model, flags.sampling.options(model));
  flags.session.tell_details(session, sampler.seed());
  const std::vector<Token> tokens = model.encode(prompt);
  if (tokens.empty())
    throw Error(Errc::range, "the prompt is empty, and this model has no token to begin a text with");
  if (flags.show_prompt) {
    const std::string shown = model.decode(tokens, true);
    if (view != nullptr) view->prompt(shown);
    if (view == nullptr) write_error(dim(make_visible(shown)) + "\n");
  }

  auto speculation = flags.speculation.speculation(session, session_options, load);
  const CancelOnSignal cancel(session);
  PromptCache cache(flags.prompt_cache, flags.cache_answer, flags.cache_is_fixed);
  const std::size_t held = cache.use(session, tokens);
  sampler.accept(std::span(tokens).first(held));
  Job job{session, sampler, std::span(tokens).subspan(held), {}};
  job.options.max_tokens = flags.max_tokens;
  for (const std::string& stop : flags.stops)
    job.options.stop.push_back(flags.escapes ? unescape(stop) : stop);
  job.options.speculation = speculation ? &*speculation : nullptr;
  ReachNote reach(session, session_options);
  tell_memory(session, session_options);
  reach.tell(session, int(tokens.size()));
  const auto generate_text = [&] {
    try {
      return view != nullptr ? run_for_programs(job, *view) : run_for_people(job);
    } catch (const Error& error) {
      if (error.code() != Errc::context_full) throw;
      const int room = flags.max_tokens > 0 ? flags.max_tokens : kRoom;
      throw with_context_hint(error, session, session_options, tokens.size() + std::size_t(room));
    }
  };
  const GenerateResult result = generate_text();
  reach.tell(session, session.size());
  cache.keep(session, tokens);
  if (const int signal = leave_signal()) return kSignalBase + signal;
  return result.reason == StopReason::cancelled ? kInterrupted : kSuccess;
}

int run(const Flags& flags) {
  const SignalScope signals;
  flags.session.tell_notes();
  if (!flags.json) return continue_text(flags, nullptr);
  const auto view = make_json_view();
  try {
    return continue_text(flags, view.get());
  } catch (const Error& error) {
    if (error.code() == Errc::cancelled) throw;
    view->fail(error);  // told on stderr as well
    return kFailure;
  }
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("run", "Continue a text once: raw completion, without a chat template");
  auto flags = std::make_shared<Flags>();
  auto* prompt =
      verb->add_option("-p,--prompt", flags->prompt, "The text; without it -f, -bf or standard input")
          ->type_name("TEXT");
  verb->add_option("-f,--file", flags->file,
                   "File that goes before -p; alone, one newline at its end is dropped")
      ->type_name("FILE");
  verb->add_option("--binary-file", flags->binary_file, "The same, every byte as it is (-bf)")
      ->type_name("FILE");
  verb->add_option("-n,--n-predict,--predict", flags->max_tokens, "Tokens to write; -1: until the model ends")
      ->capture_default_str()
      ->check(CLI::Range(-1, 1 << 30))
      ->type_name("N");
  add_stops(*verb, flags->stops);
  verb->add_option("--prompt-cache", flags->prompt_cache,
                   "Keep what the model made of the prompt in FILE, and go on from there where the next one "
                   "begins alike")
      ->type_name("FILE");
  verb->add_flag("--prompt-cache-all", flags->cache_answer, "Keep the text written too");
  verb->add_flag("--prompt-cache-ro", flags->cache_is_fixed, "Only read that file");
  verb->add_flag("-e,--escape", flags->escapes, "Read \\n, \\t and such in the text as what they mean");
  verb->add_flag("--json", flags->json, "Write events on standard output, one JSON object a line");
  verb->add_flag("--show-prompt", flags->show_prompt,
                 "Show what the model is given, control tokens and all, on standard error");
  for (const char* usual : {"--no-display-prompt", "--no-conversation", "--no-escape", "--simple-io",
                            "--offline", "--no-context-shift"}) {
    verb->add_flag(usual, flags->as_usual)->group("");  // what this verb does anyway
  }
  // Of a context that is never shifted all is kept.
  verb->add_option("--keep", flags->kept)->check(CLI::Range(-1, 1 << 30))->group("");
  flags->sampling.add_to(*verb);
  flags->session.add_to(*verb);
  flags->speculation.add_to(*verb);
  require_model(*verb);
  verb->callback([flags, prompt, &action] {
    flags->has_prompt = prompt->count() > 0;
    action = [flags] { return run(*flags); };
  });
}

}  // namespace longhand::cli
