#include "cli/measure/bench/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <random>

#include "cli/measure/bench/bandwidth.h"
#include "cli/measure/bench/machine.h"
#include "cli/measure/bench/traffic.h"
#include "cli/measure/thread_counts.h"
#include "cli/terminal/local_time.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "engine/api/access.h"

namespace longhand::cli {
namespace {

std::vector<Token> random_tokens(int count, int vocab) {
  // Always the same, so that runs can be compared: which experts a model uses depends on the tokens.
  std::mt19937 random(42);
  std::uniform_int_distribution<Token> any(0, vocab - 1);
  std::vector<Token> tokens = std::vector<Token>(std::size_t(count));
  for (Token& token : tokens) token = any(random);
  return tokens;
}

bool same_sessions(const BenchTest& a, const BenchTest& b) {
  return a.threads == b.threads && a.sequences == b.sequences && a.key_cache == b.key_cache &&
         a.value_cache == b.value_cache;
}

/// The sessions that serve all tests with their settings, so that a deep context is computed once.
class Bench {
 public:
  Bench(const Model& model, const SessionOptions& options, int sequences, bool random_fill)
      : runner_(model, runner_options(options)), random_fill_(random_fill) {
    for (int i = 0; i < sequences; ++i) sessions_.emplace_back(runner_, options);
  }

  /// Leaves `depth` tokens in each session.
  void fill(int depth) {
    const auto tokens = random_tokens(depth, runner_.model().info().vocab);
    filled_ = std::min(filled_, depth);
    const auto missing = std::span(tokens).subspan(std::size_t(filled_));
    for (Session& session : sessions_) {
      session.rewind(filled_);
      if (missing.empty()) continue;
      cancel_.emplace(session);
      random_fill_ ? Access::pretend(session, missing) : void(session.feed(missing));
    }
    filled_ = depth;
    cancel_.emplace(sessions_.front());
  }

  /// Seconds that `tokens` take, the first `read` of them together and the others one by one.
  double measure(std::span<const Token> tokens, int read) {
    go_back();
    const auto together = tokens.first(std::size_t(read));
    const auto start = std::chrono::steady_clock::now();
    if (!together.empty()) feed(together);
    for (const Token& token : tokens.subspan(together.size())) feed({&token, 1});
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  int threads() const { return sessions_.front().threads(); }
  std::uint64_t state_bytes() const { return sessions_.front().state_bytes(); }

 private:
  // All sessions, in one pass where they fit.
  void feed(std::span<const Token> tokens) {
    std::vector<Runner::Feed> feeds;
    for (Session& session : sessions_) feeds.push_back({session, tokens});
    runner_.run(feeds);
  }
  // A memory that lets go of old tokens may have to read some again, which is not what is measured.
  void go_back() {
    for (Session& session : sessions_) {
      const bool behind = session.rewind_cost(filled_) > 0;
      session.rewind(filled_);
      if (behind) session.logits(filled_ - 1);
    }
  }

  Runner runner_;
  std::deque<Session> sessions_;
  std::optional<CancelOnSignal> cancel_;
  bool random_fill_;
  int filled_ = 0;
};

BenchResult run_test(Bench& bench, const Model& model, const BenchTest& test, bool warm_up) {
  ProgressBar bar(bench_test_name(test));
  BenchResult result{.test = test, .time = utc_time(std::chrono::system_clock::now())};
  result.test.threads = bench.threads();
  bench.fill(test.depth);
  const auto tokens = random_tokens(test.prompt + test.generate, model.info().vocab);
  // Warming up takes a whole prompt but only one written token: after that caches, pages and threads are
  // awake.
  const int warming = test.prompt + std::min(test.generate, 1);
  if (warm_up) bench.measure(std::span(tokens).first(std::size_t(warming)), test.prompt);
  for (int i = 0; i < test.repetitions; ++i) {
    bar.update(double(i) / test.repetitions);
    result.seconds.push_back(bench.measure(tokens, test.prompt));
  }
  result.clock_mhz = clock_mhz();
  if (test.prompt == 0) {
    // On average half of the tokens have been written. A memory that lets go of old ones holds less than all.
    result.bytes_per_token =
        weight_traffic(model) / std::uint64_t(test.sequences) +
        std::min(bench.state_bytes(),
                 cache_traffic(model, test.key_cache, test.value_cache, test.depth + test.generate / 2));
  }
  return result;
}

/// Measures right after a test that writes, while the machine does what it did then. The buffer for it must
/// not count as memory of the engine.
void measure_bandwidth(BenchResult& result, BenchReport& report) {
  report.peak_memory = std::max(report.peak_memory, peak_memory());
  if (result.bytes_per_token == 0) return;
  result.fits_in_cache = result.bytes_per_token <= last_level_cache();
  if (result.fits_in_cache) return;
  result.read_bandwidth = read_bandwidth(result.test.threads);
  reset_peak_memory();
}

}  // namespace

std::vector<BenchTest> bench_tests(const BenchPlan& plan) {
  std::vector<int> depths = plan.depths;
  std::ranges::sort(depths);
  std::vector<BenchTest> tests;
  const auto add_sizes = [&](const BenchTest& base) {
    for (const int depth : depths) {
      for (const auto& [sizes, member] :
           {std::pair(&plan.prompts, &BenchTest::prompt), std::pair(&plan.generates, &BenchTest::generate)}) {
        for (const int size : *sizes) {
          if (size == 0) continue;
          BenchTest test = base;
          test.depth = depth;
          test.*member = size;
          tests.push_back(test);
        }
      }
      for (const auto& [prompt, generate] : plan.prompts_with_answers) {
        tests.push_back(base);
        tests.back().depth = depth;
        tests.back().prompt = prompt;
        tests.back().generate = generate;
      }
    }
  };
  for (const int threads : plan.threads) {
    for (const CacheType keys : plan.keys) {
      for (const CacheType values : plan.values) {
        for (const int sequences : plan.sequences) {
          for (const int repetitions : plan.repetitions) {
            add_sizes({.sequences = sequences,
                       .threads = threads,
                       .key_cache = keys,
                       .value_cache = values,
                       .repetitions = repetitions});
          }
        }
      }
    }
  }
  return tests;
}

void run_bench(const Model& model, const BenchPlan& plan, std::span<const BenchTest> tests,
               BenchReport& report) {
  while (!tests.empty()) {
    const auto next = std::ranges::find_if(
        tests, [&](const BenchTest& test) { return !same_sessions(test, tests.front()); });
    const auto group = tests.first(std::size_t(next - tests.begin()));
    SessionOptions options = report.options;
    options.threads = group.front().threads;
    if (options.threads == BenchPlan::kAutoThreads) use_best_threads(options);
    options.key_cache = group.front().key_cache;
    options.value_cache = group.front().value_cache;
    for (const BenchTest& test : group)
      options.context = std::max(options.context, test.depth + test.prompt + test.generate);
    Bench bench(model, options, group.front().sequences, plan.random_fill);
    for (const BenchTest& test : group) {
      report.results.push_back(run_test(bench, model, test, plan.warm_up));
      measure_bandwidth(report.results.back(), report);
    }
    tests = tests.subspan(group.size());
  }
}

}  // namespace longhand::cli
