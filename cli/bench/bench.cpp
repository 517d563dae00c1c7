// longhand bench: how fast a model reads (pp) and writes (tg) on this machine. Names and columns are those of
// llama-bench, so that results can stand side by side. Tokens are random and nothing is sampled.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <random>

#include "cli/bench/memory_file.h"
#include "cli/bench/report.h"
#include "cli/bench/synthetic_model.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/session_flags.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "ops/machine.h"

namespace longhand::cli {
namespace {

struct Flags {
  SessionFlags session;
  std::vector<int> prompt_sizes = {512}, generate_sizes = {128}, depths = {0}, threads = {0};
  int repetitions = 5;
  bool no_warmup = false;
  std::string synthetic, write;
  std::string format = "md";
};

const std::map<std::string, std::string (*)(const BenchReport&)> kFormats = {
    {"md", bench_markdown}, {"json", bench_json}, {"jsonl", bench_json_lines}, {"csv", bench_csv}};

std::vector<Token> random_tokens(int count, int vocab) {
  // Always the same, so that runs can be compared: which experts a model uses depends on the tokens.
  std::mt19937 random(42);
  std::uniform_int_distribution<Token> any(0, vocab - 1);
  std::vector<Token> tokens(static_cast<std::size_t>(count));
  for (Token& token : tokens) token = any(random);
  return tokens;
}

void compute(Session& session, const BenchTest& test, std::span<const Token> tokens) {
  if (test.prompt > 0) {
    session.feed(tokens);
  } else {
    for (const Token token : tokens) session.feed({&token, 1});
  }
}

// Seconds of one run, started with `depth` tokens in the session.
double measure(Session& session, const BenchTest& test, std::span<const Token> tokens) {
  session.rewind(test.depth);
  const auto start = std::chrono::steady_clock::now();
  compute(session, test, tokens);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

BenchResult run_test(const Model& model, const Flags& flags, BenchTest test, ProgressBar& bar) {
  const int count = test.prompt + test.generate;
  const int vocab = model.info().vocab;
  SessionOptions options = flags.session.session_options();
  options.context = std::max(options.context, test.depth + count);
  options.threads = test.threads;
  Session session(model, options);
  const CancelOnSignal cancel(session);
  test.threads = session.threads();

  if (test.depth > 0) session.feed(random_tokens(test.depth, vocab));
  const auto tokens = random_tokens(count, vocab);
  // Warming up takes a whole prompt but only one written token: after that caches, pages and threads are
  // awake.
  if (!flags.no_warmup) measure(session, test, std::span(tokens).first(test.prompt > 0 ? tokens.size() : 1));
  BenchResult result{test, {}};
  for (int i = 0; i < flags.repetitions; ++i) {
    bar.update(static_cast<double>(i) / flags.repetitions);
    result.seconds.push_back(measure(session, test, tokens));
  }
  return result;
}

std::vector<BenchTest> all_tests(const Flags& flags) {
  std::vector<BenchTest> tests;
  for (const int threads : flags.threads) {
    for (const int depth : flags.depths) {
      for (const int size : flags.prompt_sizes) {
        if (size > 0) tests.push_back({.prompt = size, .depth = depth, .threads = threads});
      }
      for (const int size : flags.generate_sizes) {
        if (size > 0) tests.push_back({.generate = size, .depth = depth, .threads = threads});
      }
    }
  }
  return tests;
}

void save(const SyntheticModel& synthetic, const std::string& path) {
  ProgressBar bar("writing");
  OutputFile file(path);
  write_synthetic(synthetic, file, [&](float share) {
    bar.update(share);
    return !signal_waiting();
  });
  file.finish();
}

// Loads a synthetic model through the same path as any file. One that nobody wants to keep never sees a disk;
// it takes its size in memory twice, as file and repacked.
Model open_synthetic(const Flags& flags) {
  const SyntheticModel synthetic = parse_synthetic(flags.synthetic);
  if (!flags.write.empty()) {
    save(synthetic, flags.write);
    return open_model(flags.write, flags.session.load_options());
  }
  const std::uint64_t needed = 2 * synthetic_bytes(synthetic), free = available_memory();
  if (free > 0 && free < needed) {
    throw Error(Errc::no_memory,
                fmt::format("{} needs {} of memory, {} are free; with --write FILE it needs half of that",
                            synthetic.name(), format_bytes(needed), format_bytes(free)));
  }
  const MemoryFile file("synthetic");
  save(synthetic, file.path());
  return open_model(file.path(), flags.session.load_options());
}

int bench(const Flags& flags) {
  const SignalScope signals;
  flags.session.report_ignored();
  const auto tests = all_tests(flags);
  if (tests.empty() && !flags.write.empty()) {
    save(parse_synthetic(flags.synthetic), flags.write);
    return kSuccess;
  }
  const Model model = flags.synthetic.empty() ? open_model(flags.session.model, flags.session.load_options())
                                              : open_synthetic(flags);
  const SessionOptions options = flags.session.session_options();
  const std::string name = flags.synthetic.empty() ? flags.session.model : flags.synthetic;
  BenchReport report{name, model.info(), options, {}};
  for (const BenchTest& test : tests) {
    ProgressBar bar(bench_test_name(test));
    report.results.push_back(run_test(model, flags, test, bar));
  }
  write_output(kFormats.at(flags.format)(report));
  return kSuccess;
}

// What is wrong with a value of --synthetic, or nothing.
std::string check_synthetic(const std::string& text) {
  try {
    parse_synthetic(text);
    return "";
  } catch (const Error& error) { return error.what(); }
}

void add_list(CLI::App& verb, const char* names, std::vector<int>& values, const char* help) {
  verb.add_option(names, values, help)
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->check(CLI::Range(0, 1 << 24))
      ->type_name("N,...");
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("bench", "Measure how fast a model reads and writes");
  auto flags = std::make_shared<Flags>();
  add_list(*verb, "-p,--n-prompt", flags->prompt_sizes, "Tokens to read; 0: skip (default 512)");
  add_list(*verb, "-n,--n-gen", flags->generate_sizes, "Tokens to write; 0: skip (default 128)");
  add_list(*verb, "-d,--n-depth", flags->depths, "Tokens already in the context (default 0)");
  add_list(*verb, "-t,--threads", flags->threads, "Threads; 0: one for each physical core (default 0)");
  verb->add_option("-r,--repetitions", flags->repetitions, "Runs of each test")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000))
      ->type_name("N");
  std::vector<std::string> formats;
  for (const auto& [name, write] : kFormats) formats.push_back(name);
  verb->add_option("-o,--output", flags->format, "csv, json, jsonl or md")
      ->capture_default_str()
      ->check(CLI::IsMember(formats))
      ->type_name("FORMAT");
  verb->add_flag("--no-warmup", flags->no_warmup, "Do not run each test once before measuring");
  flags->session.add_to(*verb);
  auto* model = verb->add_option_group("Model", "Exactly one of");
  auto* synthetic =
      model
          ->add_option("--synthetic", flags->synthetic,
                       "Random weights in the shape of a model: llama-1b:Q4_K_M; a wrong name lists all")
          ->check(check_synthetic)
          ->type_name("SHAPE:TYPE");
  model->add_option(verb->get_option("--model"));
  model->require_option(1);
  verb->add_option("--write", flags->write, "Save the synthetic model; -p 0 -n 0: do nothing else")
      ->needs(synthetic)
      ->type_name("FILE");
  verb->callback([flags, &action] { action = [flags] { return bench(*flags); }; });
}

}  // namespace longhand::cli
