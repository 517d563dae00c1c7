// longhand bench: how fast a model reads (pp) and writes (tg) on this machine. Names and columns are those of
// llama-bench, so that results can stand side by side. Tokens are random and nothing is sampled.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>

#include "cli/exit_status.h"
#include "cli/flags/session_flags.h"
#include "cli/measure/bench/memory_file.h"
#include "cli/measure/bench/number_list.h"
#include "cli/measure/bench/report.h"
#include "cli/measure/bench/run.h"
#include "cli/measure/bench/synthetic_model.h"
#include "cli/measure/plot/measurement_plots.h"
#include "cli/models/models_path.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "cli/verbs.h"
#include "ops/host/machine.h"

namespace longhand::cli {
namespace {

struct Flags {
  SessionFlags session;
  BenchPlan plan;
  bool no_warmup = false;
  std::vector<std::string> models;
  std::string synthetic, write, plot;
  std::vector<std::string> keys = {"f16"}, values = {"f16"};
  std::string format = "md", fill = "prefill";
};

const std::map<std::string, std::string (*)(std::span<const BenchReport>)> kFormats = {
    {"md", bench_markdown}, {"json", bench_json}, {"jsonl", bench_json_lines}, {"csv", bench_csv}};

void save(const SyntheticModel& synthetic, const std::string& path) {
  ProgressBar bar("writing");
  OutputFile file(path);
  write_synthetic(synthetic, file, [&](float share) {
    bar.update(share);
    return !signal_waiting();
  });
  file.finish();
}

struct Subject {
  Model model;
  double load_seconds;
};

Subject load(const std::string& path, const Flags& flags) {
  const auto start = std::chrono::steady_clock::now();
  Model model = open_model(path, flags.session.load_options());
  return {std::move(model), std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

// Loads a synthetic model through the same path as any file. One that nobody wants to keep never sees a disk;
// it takes its size in memory twice, as file and repacked.
Subject load_synthetic(const Flags& flags) {
  const SyntheticModel synthetic = parse_synthetic(flags.synthetic);
  if (!flags.write.empty()) {
    save(synthetic, flags.write);
    return load(flags.write, flags);
  }
  const std::uint64_t needed = 2 * synthetic_bytes(synthetic), free = available_memory();
  if (free > 0 && free < needed) {
    throw Error(Errc::no_memory,
                fmt::format("{} needs {} of memory, {} are free; with --write FILE it needs half of that",
                            synthetic.name(), format_bytes(needed), format_bytes(free)));
  }
  const MemoryFile file("synthetic");
  save(synthetic, file.path());
  return load(file.path(), flags);
}

std::vector<CacheType> cache_types_of(const std::vector<std::string>& names) {
  std::vector<CacheType> types;
  for (const std::string& name : names) types.push_back(cache_type_of(name));
  return types;
}

// The files to measure, by their names or that of the environment.
std::vector<std::string> files_of(const Flags& flags) {
  std::vector<std::string> files = flags.models;
  if (files.empty()) files.emplace_back();
  for (std::string& file : files) {
    file = named_model(file);
    if (file.empty()) throw UsageError("a model is required: FILE, or --synthetic SHAPE:TYPE");
  }
  return files;
}

BenchReport measure(const Flags& flags, const std::vector<BenchTest>& tests, const std::string& name,
                    const Subject& subject) {
  BenchReport report{.model_file = name,
                     .model = subject.model.info(),
                     .options = flags.session.session_options(subject.model),
                     .load_seconds = subject.load_seconds};
  run_bench(subject.model, flags.plan, tests, report);
  return report;
}

int bench(Flags flags) {
  const bool made_up = !flags.synthetic.empty();
  const std::vector<std::string> files = made_up ? std::vector<std::string>() : files_of(flags);
  const SignalScope signals;
  flags.session.tell_notes();
  note_threads(std::ranges::max(flags.plan.threads));
  flags.plan.keys = cache_types_of(flags.keys);
  flags.plan.values = cache_types_of(flags.values);
  flags.plan.warm_up = !flags.no_warmup;
  flags.plan.random_fill = flags.fill == "random";
  const auto tests = bench_tests(flags.plan);
  if (tests.empty() && !flags.write.empty()) {
    save(parse_synthetic(flags.synthetic), flags.write);
    return kSuccess;
  }
  std::vector<BenchReport> reports;
  if (made_up) reports.push_back(measure(flags, tests, flags.synthetic, load_synthetic(flags)));
  for (const std::string& file : files) reports.push_back(measure(flags, tests, file, load(file, flags)));
  if (!flags.plot.empty()) write_plot(flags.plot, bench_svg(reports));
  write_output(kFormats.at(flags.format)(reports));
  if (flags.format == "md" && is_terminal(STDOUT_FILENO)) {
    for (const BenchReport& report : reports)
      write_output(bench_chart(report, terminal_width(STDOUT_FILENO)));
  }
  return kSuccess;
}

CLI::Option* as_list(CLI::Option* option) {
  return option->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

constexpr int kMostTokens = 1 << 24, kMostSequences = 1024;

// Adds a list whose parts `parse` turns into values, throwing Error.
template <class Value, class Parse>
CLI::Option* add_parsed(CLI::App& verb, const std::string& names, std::vector<Value>& values, Parse parse) {
  const std::string flag = names.substr(names.find("--"));
  return verb
      .add_option_function<std::vector<std::string>>(
          names,
          [&values, parse, flag](const std::vector<std::string>& texts) {
            values.clear();
            try {
              for (const std::string& text : texts) {
                const std::vector<Value> some = parse(text);
                values.insert(values.end(), some.begin(), some.end());
              }
            } catch (const Error& error) { throw CLI::ValidationError(flag, error.what()); }
          })
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

void add_list(CLI::App& verb, const char* names, std::vector<int>& values, const char* help) {
  add_parsed(verb, names, values, [](const std::string& text) { return parse_numbers(text, 0, kMostTokens); })
      ->delimiter(',')
      ->description(help)
      ->type_name("N,...");
}

void add_threads(CLI::App& verb, std::vector<int>& values) {
  const auto parse = [](const std::string& text) {
    return text == "auto" ? std::vector{BenchPlan::kAutoThreads} : parse_numbers(text, 0, kMaxThreads);
  };
  add_parsed(verb, "-t,--threads", values, parse)
      ->delimiter(',')
      ->description(fmt::format("Threads, at most {}; 0: one for each physical core; auto: as many as pay on "
                                "this machine (default 0)",
                                kMaxThreads))
      ->type_name("N|auto,...");
}

void add_pairs(CLI::App& verb, std::vector<std::pair<int, int>>& values) {
  add_parsed(verb, "--pg", values,
             [](const std::string& text) { return std::vector{parse_pair(text, kMostTokens)}; })
      ->description("Tokens to read and then to write, in one test (-pg); may be given several times")
      ->type_name("P,G");
}

void add_cache_list(CLI::App& verb, const char* names, std::vector<std::string>& values, const char* help) {
  as_list(verb.add_option(names, values, help))
      ->check(CLI::IsMember(cache_type_names()))
      ->type_name("TYPE,...");
}

// What is wrong with a value of --synthetic, or nothing. CLI11 puts the flag's name before it.
std::string check_synthetic(const std::string& text) {
  try {
    parse_synthetic(text);
    return "";
  } catch (const Error& error) { return error.what(); }
}

void add_plan(CLI::App& verb, Flags& flags) {
  BenchPlan& plan = flags.plan;
  add_list(verb, "-p,--n-prompt", plan.prompts, "Tokens to read; 0: skip (default 512)");
  add_list(verb, "-n,--n-gen", plan.generates, "Tokens to write; 0: skip (default 128)");
  add_pairs(verb, plan.prompts_with_answers);
  add_list(verb, "-d,--n-depth", plan.depths, "Tokens already in the context (default 0)");
  add_parsed(verb, "--npl,--sequences", plan.sequences,
             [](const std::string& text) { return parse_numbers(text, 1, kMostSequences); })
      ->delimiter(',')
      ->description("Sequences computed together (-npl; default 1)")
      ->type_name("N,...");
  add_threads(verb, plan.threads);
  add_cache_list(verb, "--cache-type-k,--ctk", flags.keys, "Types of the cached keys (-ctk; default f16)");
  add_cache_list(verb, "--cache-type-v,--ctv", flags.values, "Types of the cached values (-ctv)");
  as_list(verb.add_option("-r,--repetitions", plan.repetitions, "Runs of each test (default 5)"))
      ->check(CLI::Range(1, 10000))
      ->type_name("N,...");
  verb.add_option("--fill", flags.fill,
                  "How the context before a test comes about: prefill reads tokens, random makes keys and "
                  "values up, which is much faster at great depths")
      ->check(CLI::IsMember({"prefill", "random"}))
      ->capture_default_str()
      ->type_name("WORD");
  verb.add_flag("--no-warmup", flags.no_warmup, "Do not run each test once before measuring");
}

void add_synthetic(CLI::App& verb, Flags& flags) {
  auto* group = verb.add_option_group("Model", "One of");
  auto* synthetic =
      group->add_option("--synthetic", flags.synthetic,
                        "Random weights in the shape of a model: llama-1b:Q4_K_M; a wrong name lists all");
  synthetic->check(check_synthetic)->type_name("SHAPE:TYPE");
  group->add_option(verb.get_option("--model"));
  group->require_option(0, 1);
  verb.add_option("--write", flags.write, "Save the synthetic model; with -p 0 -n 0 do nothing else")
      ->needs(synthetic)
      ->type_name("FILE");
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  auto* verb = app.add_subcommand("bench", "Measure how fast a model reads and writes");
  auto flags = std::make_shared<Flags>();
  add_plan(*verb, *flags);
  std::vector<std::string> formats;
  for (const auto& [name, write] : kFormats) formats.push_back(name);
  verb->add_option("--plot", flags->plot, "Draw the speed over the depth")->type_name("FILE.svg");
  verb->add_option("-o,--output", flags->format, "csv, json, jsonl or md")
      ->capture_default_str()
      ->check(CLI::IsMember(formats))
      ->type_name("FORMAT");
  verb->add_option("-m,--model,FILE", flags->models, "Model files (GGUF), measured one after the other")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->type_name("");
  flags->session.add_to(*verb);
  add_synthetic(*verb, *flags);
  verb->footer("Numbers are lists of numbers and ranges: -p 128,512 -d 0-8192+4096 -t 1-4 -n 8-64*2");
  verb->callback([flags, &action] { action = [flags] { return bench(*flags); }; });
}

}  // namespace longhand::cli
