#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/measure/bench/bandwidth.h"
#include "cli/measure/bench/machine.h"
#include "cli/measure/bench/run.h"
#include "cli/measure/bench/synthetic_model.h"
#include "cli/measure/bench/traffic.h"
#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using cli::BenchPlan;
using cli::BenchReport;
using cli::BenchResult;
using cli::BenchTest;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ProcessResult bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {LONGHAND_PROGRAM, "bench"});
  return run_process(arguments);
}

std::string of_one(std::string (*form)(std::span<const BenchReport>), const BenchReport& report) {
  return form({&report, 1});
}

// 100 tokens read at 200 a second; 10 written at 4 and 5 a second, 2 GB each, of 12 GB/s.
BenchReport sample_report() {
  BenchReport report;
  report.model_file = "a \"b\", c.gguf";
  report.load_seconds = 1.5;
  report.peak_memory = 3 << 20;
  report.model.architecture = "llama";
  report.model.type = "Q4_K";
  report.model.isa = "avx2";
  report.model.parameters = 1'240'000'000;
  report.model.weight_bytes = 1 << 30;
  report.results.push_back({.test = {.prompt = 100, .threads = 2}, .seconds = {0.5, 0.5}});
  report.results.push_back({.test = {.generate = 10, .depth = 4096, .threads = 2},
                            .seconds = {2.5, 2.0},
                            .clock_mhz = 3950,
                            .bytes_per_token = 2'000'000'000,
                            .read_bandwidth = 12e9});
  return report;
}

std::vector<std::string> names(const std::vector<BenchTest>& tests) {
  std::vector<std::string> out;
  for (const BenchTest& test : tests) out.push_back(cli::bench_test_name(test));
  return out;
}

TEST(BenchPlan, CombinesListsAndSkipsZero) {
  EXPECT_THAT(names(cli::bench_tests({})), ElementsAre("pp512", "tg128"));
  BenchPlan plan;
  plan.prompts = {16, 0, 32};
  plan.generates = {0};
  plan.depths = {4096, 0};
  EXPECT_THAT(names(cli::bench_tests(plan)), ElementsAre("pp16", "pp32", "pp16 @ d4096", "pp32 @ d4096"));
  plan.prompts = {0};
  EXPECT_THAT(cli::bench_tests(plan), testing::IsEmpty());
}

TEST(BenchPlan, PromptsWithAnswersAreTestsOfTheirOwn) {
  BenchPlan plan;
  plan.prompts_with_answers = {{64, 16}, {8, 8}};
  plan.depths = {0, 32};
  EXPECT_THAT(names(cli::bench_tests(plan)),
              ElementsAre("pp512", "tg128", "pp64+tg16", "pp8+tg8", "pp512 @ d32", "tg128 @ d32",
                          "pp64+tg16 @ d32", "pp8+tg8 @ d32"));
}

TEST(BenchPlan, EveryCombinationOfSessionsIsThere) {
  BenchPlan plan;
  plan.prompts = {8};
  plan.generates = {0};
  plan.threads = {1, 2};
  plan.keys = {CacheType::f16, CacheType::q8_0};
  plan.values = {CacheType::f32, CacheType::f16};
  plan.repetitions = {1, 3};
  const auto tests = cli::bench_tests(plan);
  ASSERT_EQ(tests.size(), 16u);
  EXPECT_EQ(tests.front().repetitions, 1);
  EXPECT_EQ(tests.back().repetitions, 3);
  EXPECT_EQ(tests.back().threads, 2);
  EXPECT_EQ(tests.back().key_cache, CacheType::q8_0);
}

TEST(BenchReport, SpreadIsThatOfTheSample) {
  const cli::Spread s = cli::spread({2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_DOUBLE_EQ(s.mean, 5);
  EXPECT_NEAR(s.deviation * s.deviation, 32.0 / 7, 1e-12);
  EXPECT_EQ(cli::spread({3}).deviation, 0);
}

TEST(BenchReport, ShareOfTheBandwidthIsBytesTimesRate) {
  const BenchReport report = sample_report();
  EXPECT_DOUBLE_EQ(cli::bandwidth_share(report.results[1]), 4.5 * 2e9 / 12e9);
  EXPECT_EQ(cli::bandwidth_share(report.results[0]), 0);
}

TEST(BenchReport, MarkdownHasARowForEachTest) {
  const std::string text = of_one(cli::bench_markdown, sample_report());
  EXPECT_THAT(text, AllOf(HasSubstr("pp100 |"), HasSubstr("200.00 \u00b1 0.00"), HasSubstr("tg10 @ d4096"),
                          HasSubstr("4.50 \u00b1 0.71"), HasSubstr("9.0 GB/s, 75 %")));
  EXPECT_THAT(text, HasSubstr("load 1.50 s, peak memory 3.00 MiB, avx2, 3950 MHz, memory reads 12.0 GB/s"));
}

TEST(BenchReport, WhatIsNotMeasuredIsNoNumber) {
  BenchReport report = sample_report();
  report.results[1].read_bandwidth = 0;
  report.results[1].fits_in_cache = true;
  EXPECT_THAT(of_one(cli::bench_markdown, report),
              AllOf(HasSubstr("|    fits in cache |"), Not(HasSubstr("GB/s"))));
  for (const auto& row : nlohmann::json::parse(of_one(cli::bench_json, report))) {
    EXPECT_TRUE(row["read_bandwidth"].is_null());
    EXPECT_TRUE(row["bandwidth_share"].is_null());
  }
  EXPECT_THAT(of_one(cli::bench_csv, report), AllOf(HasSubstr(",2000000000,,\n"), Not(HasSubstr("null"))));
}

TEST(BenchReport, SeveralModelsStandInOneReport) {
  std::vector<BenchReport> reports(2, sample_report());
  reports[1].model_file = "other.gguf";
  const auto rows = nlohmann::json::parse(cli::bench_json(reports));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_NE(rows[1]["model_filename"], "other.gguf");
  EXPECT_EQ(rows[2]["model_filename"], "other.gguf");
  EXPECT_EQ(std::ranges::count(cli::bench_csv(reports), '\n'), 5);  // one header
}

TEST(BenchReport, APromptWithItsAnswerCountsAllTokens) {
  BenchReport report = sample_report();
  report.results = {{.test = {.prompt = 90, .generate = 10, .threads = 2}, .seconds = {0.5}}};
  EXPECT_EQ(cli::token_rates(report.results[0]), std::vector<double>{200});
  const auto row = nlohmann::json::parse(of_one(cli::bench_json, report))[0];
  EXPECT_EQ(row["n_prompt"], 90);
  EXPECT_EQ(row["n_gen"], 10);
  EXPECT_THAT(cli::bench_chart(report, 60), HasSubstr("pp90+tg10 \u2588"));
}

TEST(BenchReport, TokensOfAllSequencesCount) {
  BenchReport report = sample_report();
  report.results = {{.test = {.generate = 10, .depth = 64, .sequences = 8, .threads = 2}, .seconds = {0.5}}};
  EXPECT_EQ(cli::token_rates(report.results[0]), std::vector<double>{160});
  EXPECT_EQ(cli::bench_test_name(report.results[0].test), "tg10 x8 @ d64");
  EXPECT_EQ(nlohmann::json::parse(of_one(cli::bench_json, report))[0]["n_sequences"], 8);
}

TEST(BenchReport, JsonNamesAreThoseOfLlamaBench) {
  const auto rows = nlohmann::json::parse(of_one(cli::bench_json, sample_report()));
  ASSERT_EQ(rows.size(), 2u);
  for (const char* name :
       {"build_commit",  "build_number",   "cpu_info",  "gpu_info",   "n_gpu_layers",   "split_mode",
        "no_kv_offload", "flash_attn",     "use_mmap",  "embeddings", "model_filename", "model_type",
        "model_size",    "model_n_params", "n_batch",   "n_ubatch",   "n_threads",      "type_k",
        "type_v",        "n_prompt",       "n_gen",     "n_depth",    "test_time",      "avg_ns",
        "stddev_ns",     "avg_ts",         "stddev_ts", "samples_ns", "samples_ts"}) {
    EXPECT_TRUE(rows[0].contains(name)) << name;
  }
  EXPECT_EQ(rows[0]["n_prompt"], 100);
  EXPECT_EQ(rows[0]["avg_ts"], 200.0);
  EXPECT_EQ(rows[1]["n_gen"], 10);
  EXPECT_EQ(rows[1]["n_depth"], 4096);
  EXPECT_EQ(rows[1]["type_k"], "f16");
  EXPECT_EQ(rows[1]["avg_ns"], 2'250'000'000);
  EXPECT_EQ(rows[1]["samples_ns"], nlohmann::json::parse("[2500000000, 2000000000]"));
  EXPECT_EQ(rows[1]["samples_ts"], nlohmann::json::parse("[4.0, 5.0]"));
  EXPECT_EQ(rows[1]["bandwidth_share"], 0.75);
}

TEST(BenchReport, JsonLinesAndCsvSayTheSame) {
  const BenchReport report = sample_report();
  const auto rows = nlohmann::json::parse(of_one(cli::bench_json, report));
  const std::string lines = of_one(cli::bench_json_lines, report);
  EXPECT_EQ(nlohmann::json::parse(lines.substr(0, lines.find('\n'))), rows[0]);
  const std::string csv = of_one(cli::bench_csv, report);
  EXPECT_EQ(std::ranges::count(csv, '\n'), 3);
  EXPECT_THAT(csv, AllOf(HasSubstr(",avg_ns,stddev_ns,avg_ts,stddev_ts,"), Not(HasSubstr("samples")),
                         HasSubstr(",\"a \"\"b\"\", c.gguf\",")));
}

TEST(BenchChart, BarsAreAsLongAsTheirRates) {
  BenchReport report = sample_report();
  report.results.push_back(report.results[1]);
  report.results[2].seconds = {5};  // 2 tokens a second: a third of what memory allows
  const std::string chart = cli::bench_chart(report, 60);
  const auto count = [](const std::string& line, std::string_view part) {
    std::size_t n = 0;
    for (auto at = line.find(part); at != std::string::npos; at = line.find(part, at + 1)) ++n;
    return n;
  };
  std::vector<std::string> lines;
  std::istringstream in(chart);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 5u) << chart;  // each group after an empty line
  EXPECT_THAT(lines[1], AllOf(HasSubstr("pp100"), HasSubstr("200.0 t/s")));
  EXPECT_THAT(lines[3], HasSubstr("4.5 t/s, 75 % of memory"));
  for (const std::size_t i : {3, 4}) {
    const auto full = double(count(lines[i], "\u2588")), light = double(count(lines[i], "\u2591"));
    EXPECT_NEAR(full / (full + light), i == 3 ? 0.75 : 1.0 / 3, 0.05) << lines[i];
    EXPECT_EQ(lines[i].size() - 2 * std::size_t(full + light), 59u) << "three bytes a block";
  }
}

TEST(ReadBandwidth, IsThatOfMemory) {
  const double one = cli::read_bandwidth(1);
  if (one == 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: too little memory";
  EXPECT_GT(one, 1e8);
  EXPECT_LT(one, 1e12);
}

TEST(Machine, PeakMemoryGrowsWithWhatIsTouched) {
  const std::uint64_t before = cli::peak_memory();
  if (before == 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: the system does not tell";
  constexpr std::size_t kSize = 64 << 20;
  const std::vector<char> touched(kSize, 1);
  EXPECT_GE(cli::peak_memory(), before);
  EXPECT_GE(cli::peak_memory(), kSize);
}

class BenchTraffic : public testing::Test {
 protected:
  Model load(const std::string& spec) {
    const std::string path = dir_.file("model.gguf");
    cli::OutputFile file(path);
    cli::write_synthetic(cli::parse_synthetic(spec), file, {});
    file.finish();
    return Model::load(path, {.threads = 1});
  }
  TempDir dir_;
};

TEST_F(BenchTraffic, OfADenseModelIsAllItsMatrices) {
  const Model model = load("tiny:Q8_0");
  // hidden 256, 128 kv columns, feed-forward 512, 8 layers, head tied to the 512 embeddings
  const std::uint64_t weights = 8 * 256 * (2 * 256 + 2 * 128 + 3 * 512) + 512 * 256;
  EXPECT_EQ(cli::weight_traffic(model), weights / 32 * 34);
}

TEST_F(BenchTraffic, OfExpertsIsThatOfThoseUsed) {
  const Model model = load("tiny-moe:F32");
  // 2 layers of width 256 with routers for 4 experts, 2 of them used; the embedding is only looked up
  const std::uint64_t weights = 2 * 256 * (2 * 256 + 2 * 128 + 4 + 2 * 3 * 256) + 512 * 256;
  EXPECT_EQ(cli::weight_traffic(model), weights * 4);
}

TEST_F(BenchTraffic, OfTheCacheGrowsWithTheText) {
  const Model model = load("tiny:Q8_0");
  // 8 layers x 2 heads x 64 dimensions of keys and of values
  EXPECT_EQ(cli::cache_traffic(model, CacheType::f16, CacheType::f16, 100), 100u * 8 * 2 * 64 * 2 * 2);
  EXPECT_EQ(cli::cache_traffic(model, CacheType::q8_0, CacheType::f32, 1), 8u * 2 * (68 + 256));
  EXPECT_EQ(cli::cache_traffic(model, CacheType::bf16, CacheType::bf16, 1), 8u * 2 * 2 * 128);
  EXPECT_EQ(cli::cache_traffic(model, CacheType::f16, CacheType::f16, 0), 0u);
}

TEST_F(BenchTraffic, OfRecurrentLayersIsTheirStateAtAnyDepth) {
  const Model delta = load("tiny-qwen35:Q8_0");
  // 3 layers with the last 3 inputs of 2 x 2 x 64 + 4 x 64 channels, and 4 states of 64 x 64; 1 with
  // attention
  const std::uint64_t states = 3 * (3 * 512 + 4 * 64 * 64) * 4, per_token = 2 * 64 * 2 * 2;
  EXPECT_EQ(cli::cache_traffic(delta, CacheType::f16, CacheType::f16, 0), states);
  EXPECT_EQ(cli::cache_traffic(delta, CacheType::f16, CacheType::f16, 100), states + 100 * per_token);
  const Model conv = load("tiny-lfm2:Q8_0");
  // 2 layers with the last 2 inputs of 256 channels, and 2 with attention
  EXPECT_EQ(cli::cache_traffic(conv, CacheType::f16, CacheType::f16, 100),
            2u * 2 * 256 * 4 + 2 * 100 * per_token);
}

TEST_F(BenchTraffic, OfWindowsEndsWhereTheyDo) {
  const Model model = load("tiny-gpt-oss:Q8_0");
  // The first of 2 layers sees 32 tokens.
  EXPECT_EQ(cli::cache_traffic(model, CacheType::f16, CacheType::f16, 100), (100u + 32) * 2 * 64 * 2 * 2);
}

TEST(BenchProgram, MeasuresWithoutAFile) {
  const ProcessResult result = bench({"--synthetic", "tiny:Q4_0", "-p", "8", "-n", "2", "-d", "0,4", "-t",
                                      "1", "-ctk", "f16,bf16,q8_0", "-r", "2", "-o", "json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto rows = nlohmann::json::parse(result.out);
  ASSERT_EQ(rows.size(), 12u);
  for (const auto& row : rows) {
    EXPECT_EQ(row["model_filename"], "tiny:Q4_0");
    EXPECT_EQ(row["samples_ts"].size(), 2u);
    EXPECT_GT(row["avg_ts"], 0);
    EXPECT_GT(row["load_ns"], 0);
    EXPECT_THAT(row["test_time"].get<std::string>(), testing::MatchesRegex("20..-..-..T..:..:..Z"));
  }
  EXPECT_EQ(rows[0]["n_prompt"], 8);
  EXPECT_EQ(rows[1]["n_gen"], 2);
  EXPECT_EQ(rows[2]["n_depth"], 4);
  EXPECT_EQ(rows[7]["type_k"], "bf16");
  EXPECT_EQ(rows[11]["type_k"], "q8_0");
  EXPECT_EQ(rows[11]["type_v"], "f16");
}

TEST(BenchProgram, MeasuresSequencesTogether) {
  const ProcessResult result = bench({"--synthetic", "tiny:Q4_0", "-p", "8", "-n", "2", "-d", "4", "-npl",
                                      "1,3", "-t", "1", "-r", "1", "-o", "json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto rows = nlohmann::json::parse(result.out);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[1]["n_sequences"], 1);
  EXPECT_EQ(rows[3]["n_sequences"], 3);
  // The weights are read once for all.
  EXPECT_LT(rows[3]["bytes_per_token"], rows[1]["bytes_per_token"]);
}

TEST(BenchProgram, TakesRangesAndPromptsWithAnswers) {
  const ProcessResult result = bench({"--synthetic", "tiny:Q4_0", "-p", "2-8*2", "-n", "0", "-pg", "4,2",
                                      "-t", "1-2", "-d", "0-4+4", "-r", "1", "-o", "json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto rows = nlohmann::json::parse(result.out);
  ASSERT_EQ(rows.size(), 16u);  // threads x depths x (three prompts, and one with an answer)
  EXPECT_EQ(rows[0]["n_threads"], 1);
  EXPECT_EQ(rows[2]["n_prompt"], 8);
  EXPECT_EQ(rows[3]["n_prompt"], 4);
  EXPECT_EQ(rows[3]["n_gen"], 2);
  EXPECT_GT(rows[3]["avg_ts"], 0);
  EXPECT_EQ(rows[15]["n_threads"], 2);
  EXPECT_EQ(rows[15]["n_depth"], 4);
}

TEST(BenchProgram, FindsOutHowManyThreadsPay) {
  const TempDir dir;
  const ProcessResult result = run_process({LONGHAND_PROGRAM, "bench", "--synthetic", "tiny:Q4_0", "-p", "1",
                                            "-n", "1", "-r", "1", "-t", "auto", "-o", "json"},
                                           "", {{"XDG_STATE_HOME", dir.path().string()}});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto remembered = nlohmann::json::parse(read_text(dir.file("longhand/threads.json")));
  EXPECT_EQ(nlohmann::json::parse(result.out)[0]["n_threads"], remembered.front()["decode"]);
}

// Deep texts without the hours it takes to read them, under every memory.
TEST(BenchProgram, DepthsCanBeMadeUp) {
  for (const char* memory : {"full", "window", "rerope", "leaky-rerope", "vq", "performer"}) {
    Arguments flags = {"--synthetic", "tiny:Q4_0", "-p",     "16",     "-n",          "3",
                       "-d",          "700,9000",  "-t",     "2",      "-r",          "2",
                       "-o",          "json",      "--fill", "random", "--attention", memory};
    if (std::string(memory) != "full") flags.insert(flags.end(), {"--attention-window", "64"});
    const ProcessResult result = bench(flags);
    ASSERT_EQ(result.status, 0) << memory << result.err;
    EXPECT_EQ(nlohmann::json::parse(result.out).size(), 4u);
  }
}

TEST(BenchProgram, WritesTheModelItMeasures) {
  const TempDir dir;
  const std::string path = dir.file("m.gguf");
  const ProcessResult saved = bench({"--synthetic", "tiny:Q4_0", "--write", path, "-p", "0", "-n", "0"});
  EXPECT_EQ(saved.status, 0) << saved.err;
  EXPECT_EQ(saved.out, "");
  const ProcessResult measured = bench({path, "-p", "0", "-n", "1", "-r", "1", "-t", "1", "-o", "csv"});
  EXPECT_EQ(measured.status, 0) << measured.err;
  EXPECT_THAT(measured.out, HasSubstr("m.gguf"));
}

TEST(BenchProgram, ATerminalGetsTheChartToo) {
  TerminalProcess process(
      {LONGHAND_PROGRAM, "bench", "--synthetic", "tiny:Q4_0", "-p", "4", "-n", "0", "-r", "1", "-t", "1"});
  EXPECT_TRUE(process.expect("load "));
  EXPECT_TRUE(process.expect("pp4 \u2588")) << process.screen();
  EXPECT_EQ(process.wait(), 0);
}

TEST(BenchProgram, WrongUsageIsExplained) {
  const std::pair<std::vector<std::string>, const char*> wrong[] = {
      {{}, "required"},
      {{"a.gguf", "--synthetic", "tiny:Q4_0"}, "at most 1"},
      {{"a.gguf", "--write", "b.gguf"}, "--synthetic"},
      {{"--synthetic", "tiny"}, "Q4_K_M"},
      {{"--synthetic", "tin:Q4_0"}, "llama-1b"},
      {{"a.gguf", "-ctk", "f16,q3_k"}, "q3_k"},
      {{"a.gguf", "-p", "8,x"}, "'x'"},
      {{"a.gguf", "-p", "8-4"}, "'8-4'"},
      {{"a.gguf", "-t", "257"}, "0..256"},
      {{"a.gguf", "-pg", "8"}, "512,128"}};
  for (const auto& [arguments, says] : wrong) {
    const ProcessResult result = bench(arguments);
    EXPECT_EQ(result.status, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(result.err, AllOf(HasSubstr(says), Not(HasSubstr("--synthetic: --synthetic"))))
        << testing::PrintToString(arguments);
  }
}

}  // namespace
}  // namespace longhand::test
