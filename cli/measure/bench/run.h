// Runs the tests of a benchmark.
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "cli/flags/session_flags.h"
#include "cli/measure/bench/report.h"

namespace longhand::cli {

/// The values to combine. All tests of one session stand together, by growing depth.
struct BenchPlan {
  static constexpr int kAutoThreads = -1;  // as many as pay on this machine

  std::vector<int> prompts = {512}, generates = {128}, depths = {0}, threads = {0}, repetitions = {5},
                   sequences = {1};
  std::vector<std::pair<int, int>> prompts_with_answers = {};  // tokens to read, then tokens to write
  std::vector<CacheType> keys = {CacheType::f16}, values = {CacheType::f16};
  bool warm_up = true;
  bool random_fill = false;  // depths are filled with random keys instead of being computed
};

std::vector<BenchTest> bench_tests(const BenchPlan& plan);

/// Runs `tests` and adds the results to `report`. Throws Error as Session does; cancelled on Ctrl-C.
void run_bench(const Model& model, const BenchPlan& plan, std::span<const BenchTest> tests,
               BenchReport& report);

}  // namespace longhand::cli
