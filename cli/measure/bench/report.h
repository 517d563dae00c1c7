// Results of a benchmark and the forms they are written in.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

struct BenchTest {
  int prompt = 0;     // tokens to read,
  int generate = 0;   // then tokens to write; one of both may be 0
  int depth = 0;      // tokens in the context before
  int sequences = 1;  // computed together, each with these numbers
  int threads = 0;
  CacheType key_cache = CacheType::f16, value_cache = CacheType::f16;
  int repetitions = 5;
};

struct BenchResult {
  BenchTest test;
  std::vector<double> seconds = {};  // of each repetition
  std::string time = {};             // of its start, UTC
  double clock_mhz = 0;              // 0: unknown
  // Of tests that only write, else 0:
  std::uint64_t bytes_per_token = 0;  // weights and cache read from memory
  double read_bandwidth = 0;          // bytes a second, right after the test; 0: not measured
  bool fits_in_cache = false;         // those bytes do, and are not read from memory at all
};

struct BenchReport {
  std::string model_file;
  ModelInfo model;
  SessionOptions options;
  double load_seconds = 0;
  std::uint64_t peak_memory = 0;  // bytes; 0: unknown
  std::vector<BenchResult> results = {};
};

/// "pp512", "tg128 @ d4096", "pp512+tg128", "tg128 x8" of eight sequences.
std::string bench_test_name(const BenchTest& test);

struct Spread {
  double mean = 0, deviation = 0;  // of the sample
};
Spread spread(const std::vector<double>& samples);
/// Tokens a second of each repetition, of all sequences.
std::vector<double> token_rates(const BenchResult& result);
/// Share of the read bandwidth that writing reached; 0 where unknown.
double bandwidth_share(const BenchResult& result);

// One report for each model, in one table or list.
std::string bench_markdown(std::span<const BenchReport> reports);
std::string bench_json(std::span<const BenchReport> reports);
std::string bench_json_lines(std::span<const BenchReport> reports);
std::string bench_csv(std::span<const BenchReport> reports);

/// Bars for a terminal of `width` columns: reading, writing and both in turn each to a scale of its own. The
/// light end of a bar is what memory would allow.
std::string bench_chart(const BenchReport& report, int width);

}  // namespace longhand::cli
