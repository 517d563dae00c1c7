// longhand imatrix: which columns of a model's matrices matter on a text, for longhand quantize.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <memory>

#include "cli/exit_status.h"
#include "cli/flags/session_flags.h"
#include "cli/make/long_work.h"
#include "cli/models/model_names.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/text_file.h"
#include "cli/verbs.h"
#include "engine/longhand_imatrix.h"

namespace longhand::cli {
namespace {

constexpr int kDefaultContext = 512;

struct Flags {
  SessionFlags session;
  std::string text, out = "imatrix.gguf";
  ImatrixOptions options;
  SensitivityOptions sensitivity;
  bool special = false, statistics = false, sensitive = false;
};

std::string statistics_text(const std::vector<ImatrixStatistics>& all) {
  std::string out =
      fmt::format("{:<36} {:>12} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8} {:>8} {:>8}\n", "tensor", "sum",
                  "least", "mean", "most", "deviation", "active", "entropy", "outliers", "cosine");
  for (const ImatrixStatistics& s : all) {
    const double most = std::log2(double(std::max<std::int64_t>(s.columns, 2)));
    out +=
        fmt::format("{:<36} {:>12.5g} {:>10.4g} {:>10.4g} {:>10.4g} {:>10.4g} {:>7.2f}% {:>7.2f}% {:>7.2f}% ",
                    make_visible(s.tensor), s.sum, s.least, s.mean, s.most, s.deviation, 100 * s.active,
                    100 * s.entropy / most, 100 * s.outliers);
    out += s.similarity > 0 ? fmt::format("{:>8.4f}\n", s.similarity) : fmt::format("{:>8}\n", "-");
  }
  return out;
}

int show_statistics(const Flags& flags) {
  if (flags.options.merged.size() != 1 || !flags.text.empty())
    throw UsageError("--show-statistics wants one file: --in-file FILE");
  write_output(statistics_text(imatrix_statistics(flags.options.merged[0])));
  return kSuccess;
}

void tell(const Flags& flags, const ImatrixReport& report) {
  for (const std::string& tensor : report.partial)
    print_note(fmt::format("some experts of {} saw no token: a longer text may reach them", tensor));
  write_output(fmt::format("{}: {} tensors, {} pieces of text\n", make_visible(flags.out), report.entries,
                           report.chunks));
}

// Returns the tokens of the text.
std::vector<Token> collect(Flags& flags) {
  const SignalScope signals;
  flags.session.tell_notes();
  const std::string text = read_plain_text(flags.text);
  flags.options.model = model_path(flags.session.model);
  flags.options.text = flags.text;
  const Model model = open_model(flags.options.model, flags.session.load_options());
  SessionOptions options = flags.session.session_options(model);
  if (options.context == 0) options.context = kDefaultContext;
  Session session(model, options);
  const CancelOnSignal cancel(session);
  flags.options.dataset = std::filesystem::path(flags.text).filename().string();
  ProgressBar bar("reading");
  flags.options.progress = [&](double share) { bar.update(share); };
  std::vector<Token> tokens = model.encode(text, true, flags.special);
  const ImatrixReport report = make_imatrix(session, tokens, flags.out, flags.options);
  bar.clear();
  tell(flags, report);
  flags.sensitivity.load = flags.session.load_options();
  flags.sensitivity.session = flags.session.session_options();
  flags.sensitivity.session.context = options.context;
  return tokens;
}

void measure(Flags& flags, const std::vector<Token>& tokens) {
  const SensitivityReport report = with_bar("measuring", [&](const Progress& progress) {
    flags.sensitivity.load.progress = {};
    flags.sensitivity.progress = progress;
    return measure_sensitivity(flags.options.model, tokens, flags.out, flags.sensitivity);
  });
  if (report.measured == 0) {
    return write_output(fmt::format("{}: sensitivity of {} tensors, nothing was left to measure\n",
                                    make_visible(flags.out), report.tensors));
  }
  write_output(fmt::format("{}: sensitivity of {} tensors, {} of them now, at {} positions\n",
                           make_visible(flags.out), report.tensors, report.measured, report.positions));
}

int run(Flags& flags) {
  if (flags.statistics) return show_statistics(flags);
  if (!flags.text.empty()) {
    if (flags.session.model.empty()) throw UsageError("name a model");
    const std::vector<Token> tokens = collect(flags);
    if (flags.sensitive) measure(flags, tokens);
    return kSuccess;
  }
  if (flags.options.merged.empty())
    throw UsageError("give a text: -f FILE, or files to add up: --in-file FILE");
  tell(flags, merge_imatrix(flags.options.merged, flags.out));
  return kSuccess;
}

}  // namespace

void add_imatrix(CLI::App& app, Action& action) {
  auto* verb =
      app.add_subcommand("imatrix", "Measure which weights of a model matter on a text, for quantize");
  auto flags = std::make_shared<Flags>();
  ImatrixOptions& options = flags->options;
  verb->add_option("-f,--file", flags->text, "Text to read; it is cut into pieces of -c tokens")
      ->type_name("TEXT");
  verb->add_option("-o,--output,--output-file", flags->out, "The file to write")
      ->capture_default_str()
      ->type_name("OUT");
  verb->add_option("--chunks", options.chunks, "Read only the first N pieces; 0: all")
      ->check(CLI::Range(0, 1 << 30))
      ->type_name("N");
  verb->add_option("--in-file", options.merged, "Add the sums of this file; may be given several times")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->type_name("FILE");
  verb->add_flag("--resume", options.resume, "Go on where a run that was ended had written -o last");
  verb->add_flag("--process-output", options.output, "Also of the output head, which takes longer");
  verb->add_flag("--parse-special,--special", flags->special,
                 "Control tokens written out in the text become those tokens");
  verb->add_flag("--show-statistics", flags->statistics, "Only show what is in the one --in-file");
  verb->add_flag(
      "--sensitivity", flags->sensitive,
      "Measure also what errors of each tensor cost, for --target-size of quantize: reads text once a"
      " tensor");
  verb->add_option("--sensitivity-chunks", flags->sensitivity.chunks, "Pieces of text it reads; 0: all")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str()
      ->type_name("N");
  for (const char* name : {"--chunks", "--resume", "--process-output", "--parse-special", "--sensitivity"})
    verb->get_option(name)->needs("--file")->excludes("--show-statistics");
  verb->get_option("--sensitivity-chunks")->needs("--sensitivity");
  flags->session.add_to(*verb);
  verb->get_option("--ctx-size")->description(fmt::format("Tokens of a piece (default {})", kDefaultContext));
  verb->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace longhand::cli
