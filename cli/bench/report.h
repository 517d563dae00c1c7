// Results of a benchmark and the forms they are written in.
#pragma once

#include <string>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

/// Either `prompt` or `generate` is 0.
struct BenchTest {
  int prompt = 0;
  int generate = 0;
  int depth = 0;  // tokens in the context before
  int threads = 0;
};

struct BenchResult {
  BenchTest test;
  std::vector<double> seconds;  // of each repetition
};

struct BenchReport {
  std::string model_file;
  ModelInfo model;
  SessionOptions options;
  std::vector<BenchResult> results;
};

/// "pp512", "tg128 @ d4096".
std::string bench_test_name(const BenchTest& test);

std::string bench_markdown(const BenchReport& report);
std::string bench_json(const BenchReport& report);
std::string bench_json_lines(const BenchReport& report);
std::string bench_csv(const BenchReport& report);

}  // namespace longhand::cli
