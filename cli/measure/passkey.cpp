// longhand passkey: hides a word in a long conversation and asks for it, over lengths and depths.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "cli/exit_status.h"
#include "cli/flags/session_flags.h"
#include "cli/measure/passkey_report.h"
#include "cli/measure/passkey_text.h"
#include "cli/measure/plot/measurement_plots.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/text_file.h"
#include "cli/verbs.h"

namespace longhand::cli {
namespace {

struct Flags {
  SessionFlags session;
  std::vector<int> lengths = {512, 1024, 2048};
  std::vector<double> depths = {0, 25, 50, 75, 100};  // percent
  int samples = 3, max_tokens = 24;
  std::uint64_t seed = 1;
  std::string filler, plot, format = "text";
};

/// Makes prompts for one model.
class PromptMaker {
 public:
  PromptMaker(const Model& model, const Flags& flags) : written_(model) {
    for (const std::string& warning : written_.warnings()) print_note(warning);
    // Thinking aloud before a one-word answer would only use up the tokens.
    options_.thinking = false;
    if (flags.filler.empty()) return;
    lines_ = filler_lines(read_plain_text(flags.filler));
    if (lines_.empty()) throw Error(Errc::range, fmt::format("{}: holds no text", flags.filler));
  }

  PasskeyCase conversation(const PasskeyPlace& place) const {
    return lines_.empty() ? passkey_dialogue(place) : passkey_document(lines_, place);
  }

  std::vector<Token> prompt(const PasskeyCase& passkey) const {
    return written_.encode(passkey.messages, options_);
  }

  /// The most filler with which a prompt has at most `length` tokens. Throws Error (range) when even without
  /// any it has more.
  int units_for(int length, std::uint64_t seed) const {
    const auto fits = [&](int units) {
      return prompt(conversation({units, 0.5, seed})).size() <= std::size_t(length);
    };
    if (!fits(0)) throw Error(Errc::range, fmt::format("-n {} is too short for the question alone", length));
    int low = 0, high = 1;
    while (fits(high)) {
      low = high;
      high *= 2;
    }
    while (high - low > 1) {
      const int middle = low + (high - low) / 2;
      (fits(middle) ? low : high) = middle;
    }
    return low;
  }

 private:
  ChatTemplate written_;
  ChatOptions options_;
  std::vector<std::string> lines_;
};

PasskeyTrial ask(Session& session, const PromptMaker& maker, const PasskeyPlace& place, int max_tokens) {
  const PasskeyCase passkey = maker.conversation(place);
  const std::vector<Token> prompt = maker.prompt(passkey);
  SamplerOptions greedy;
  greedy.temperature = 0;
  Sampler sampler(session.model(), greedy);
  GenerateOptions options;
  options.max_tokens = max_tokens;
  session.rewind(0);
  const GenerateResult result = generate(session, prompt, sampler, options);
  if (result.reason == StopReason::cancelled) throw Error(Errc::cancelled, "interrupted");
  return {int(prompt.size()), passkey.word, result.text, names_word(result.text, passkey.word)};
}

// Prompts of one text differ by a few tokens with the place of the word.
constexpr int kRoom = 32;

void test_length(const Model& model, const PromptMaker& maker, const Flags& flags, int length,
                 PasskeyReport& report) {
  SessionOptions options = flags.session.session_options(model);
  const int needed = length + flags.max_tokens + kRoom;
  if (options.context == 0) options.context = needed;
  if (options.context < needed)
    throw UsageError(fmt::format("-c is {}, must be at least {} for -n {}", options.context, needed, length));
  // A session for each length: where positions are rescaled by what the context needs, so they are here.
  Session session(model, options);
  const CancelOnSignal cancel(session);
  ProgressBar bar(fmt::format("{} tokens", length));
  const std::size_t first = report.cells.size();
  for (const double depth : flags.depths) report.cells.push_back({length, depth / 100, {}});
  for (int sample = 0; sample < flags.samples; ++sample) {
    const std::uint64_t seed = flags.seed + std::uint64_t(sample);
    const int units = maker.units_for(length, seed);
    for (std::size_t depth = 0; depth < flags.depths.size(); ++depth) {
      PasskeyCell& cell = report.cells[first + depth];
      cell.trials.push_back(ask(session, maker, {units, cell.depth, seed}, flags.max_tokens));
      const auto done = double(depth + 1) / double(flags.depths.size());
      bar.update((sample + done) / flags.samples);
    }
  }
}

int test(const Flags& flags) {
  const SignalScope signals;
  flags.session.tell_notes();
  const Model model = open_model(flags.session.model, flags.session.load_options());
  const PromptMaker maker(model, flags);
  PasskeyReport report{flags.session.model, flags.lengths, {}, {}};
  for (const double depth : flags.depths) report.depths.push_back(depth / 100);
  for (const int length : flags.lengths) test_length(model, maker, flags, length, report);
  if (!flags.plot.empty()) write_plot(flags.plot, passkey_svg(report));
  write_output(flags.format == "json" ? passkey_json(report)
                                      : passkey_text(report, takes_colour(STDOUT_FILENO)));
  return kSuccess;
}

template <class Value>
CLI::Option* add_list(CLI::App& verb, const char* names, std::vector<Value>& values, const char* help) {
  return verb.add_option(names, values, help)
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

}  // namespace

void add_passkey(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("passkey", "Hide a word in a long chat and ask for it");
  auto flags = std::make_shared<Flags>();
  add_list(*verb, "-n,--lengths", flags->lengths, "Tokens of the chat (default 512,1024,2048)")
      ->check(CLI::Range(1, 1 << 24))
      ->type_name("N,...");
  add_list(*verb, "--depths", flags->depths, "Where the word is told, in % (default 0,25,50,75,100)")
      ->check(CLI::Range(0.0, 100.0))
      ->type_name("P,...");
  verb->add_option("--samples", flags->samples, "Chats of each length and depth")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000))
      ->type_name("N");
  verb->add_option("--seed", flags->seed, "Chooses words and filler")->capture_default_str()->type_name("N");
  verb->add_option(
          "--filler", flags->filler,
          "Hide the word between the lines of this text, in one message; default: small talk in turns")
      ->type_name("FILE");
  verb->add_option("--max-tokens", flags->max_tokens, "Longest answer")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N");
  verb->add_option("--plot", flags->plot, "Draw the table as a map")->type_name("FILE.svg");
  verb->add_option("-o,--output", flags->format, "text or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT");
  flags->session.add_to(*verb);
  verb->get_option("--ctx-size")->description("Tokens of context (default: each length and its answer)");
  require_model(*verb);
  verb->callback([flags, &action] { action = [flags] { return test(*flags); }; });
}

}  // namespace longhand::cli
