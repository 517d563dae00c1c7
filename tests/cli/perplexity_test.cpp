#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/measure/perplexity_score.h"
#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

using cli::MeanLoss;
using testing::HasSubstr;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

ProcessResult perplexity(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {LONGHAND_PROGRAM, "perplexity"});
  return run_process(arguments);
}

TEST(ScoreToken, IsTheNegativeLogProbability) {
  const std::vector<float> logits = {0, std::log(2.0f), std::log(5.0f)};
  EXPECT_NEAR(cli::score_token(logits, 1).loss, std::log(4), 1e-6);
  EXPECT_EQ(cli::score_token(logits, 1).best, 2);
  EXPECT_NEAR(cli::score_token(std::vector<float>{1e30f, 0}, 0).loss, 0, 1e-12);
  EXPECT_THROW(cli::score_token(std::vector<float>{std::nanf(""), 0}, 0), Error);
}

TEST(MeanLossTest, MeanAndItsError) {
  MeanLoss loss;
  for (const double x : {1.0, 2.0, 3.0, 4.0}) loss.add(x);
  EXPECT_DOUBLE_EQ(loss.mean(), 2.5);
  EXPECT_NEAR(loss.standard_error(), std::sqrt(1.25 / 3), 1e-12);
  EXPECT_NEAR(loss.perplexity(), std::exp(2.5), 1e-12);
}

TEST(PositionBuckets, CoverEveryPredictedPositionOnce) {
  const auto buckets = cli::position_buckets(10, 4);
  ASSERT_EQ(buckets.size(), 3u);
  EXPECT_EQ(buckets[0].from, 1);
  EXPECT_EQ(buckets[1].from, 4);
  EXPECT_EQ(buckets[2].to, 10);
}

TEST(Perplexity, AgreesWithTheReference) {
  const std::string truth = golden("real/perplexity.json");
  LONGHAND_NEED_GOLDEN(truth);
  const std::string folder = std::filesystem::path(truth).parent_path();
  const auto json = nlohmann::json::parse(read_text(truth));
  for (const auto& [context, expected] : json["by_n_ctx"].items()) {
    const ProcessResult result = perplexity({folder + "/stories260K.gguf", "-f", folder + "/text.txt", "-c",
                                             context, "-ctk", "f32", "-ctv", "f32", "-o", "json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const auto got = nlohmann::json::parse(result.out);
    EXPECT_NEAR(got["perplexity"], expected["ppl"], 2e-4);
    EXPECT_NEAR(got["perplexity_stderr"], expected["stderr"], 2e-5);
    EXPECT_EQ(got["chunks"], expected["chunks"]);
  }
}

class PerplexityRun : public testing::Test {
 protected:
  PerplexityRun() {
    std::string words;
    for (int i = 0; i < 60; ++i) words += "What is a token? A token is a small piece of text.\n";
    text_ = dir_.write("text", words);
  }
  nlohmann::json run(std::vector<std::string> more) {
    more.insert(more.begin(), {kGuide, "-c", "64", "-t", "1", "-o", "json"});
    const ProcessResult result = perplexity(more);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.status == 0 ? nlohmann::json::parse(result.out) : nlohmann::json();
  }
  TempDir dir_;
  std::string text_;
};

TEST_F(PerplexityRun, TokensBucketsAndTotalAreOneAccount) {
  const std::string log = dir_.file("log");
  const auto json =
      run({"-f", text_, "--chunks", "3", "--by-position", "--bucket", "32", "--per-token", log});
  ASSERT_EQ(json["by_position"].size(), 2u);
  EXPECT_EQ(json["by_position"][0]["tokens"], 3 * 31);
  double total[2] = {};
  int count[2] = {};
  std::istringstream lines(read_text(log));
  for (std::string line; std::getline(lines, line);) {
    const auto token = nlohmann::json::parse(line);
    const int half = token["position"] >= 32;
    total[half] += token["loss"].get<double>();
    ++count[half];
  }
  ASSERT_EQ(count[1], 3 * 32);
  EXPECT_NEAR(json["by_position"][0]["loss"], total[0] / count[0], 1e-9);
  EXPECT_NEAR(json["by_position"][1]["loss"], total[1] / count[1], 1e-9);
  // Of the second half the token right at its beginning is not scored: its logits belong to the first.
  EXPECT_EQ(json["tokens_scored"], 3 * 31);
}

TEST_F(PerplexityRun, ComparedWithItselfThereIsNoDivergence) {
  const std::string base = dir_.file("base");
  const auto alone = run({"-f", text_, "--chunks", "2", "--kl-save", base});
  const auto same = run({"--kl-base", base});
  EXPECT_EQ(same["perplexity"], alone["perplexity"]);
  EXPECT_LT(same["kl"]["mean"], 1e-7);
  EXPECT_EQ(same["kl"]["top_agreement"], 1);
  EXPECT_NEAR(same["kl"]["base_perplexity"], alone["perplexity"], 1e-3);
  const auto other = run({"--kl-base", base, "--rope-freq-base", "20000"});
  EXPECT_GT(other["kl"]["mean"], 1e-4);
  EXPECT_GE(other["kl"]["p99"], other["kl"]["median"]);
}

TEST_F(PerplexityRun, ABaseOfAnotherTextOrModelIsRefused) {
  const std::string base = dir_.file("base");
  run({"-f", text_, "--chunks", "2", "--kl-save", base});
  const std::string other = dir_.write("other", "Something else. " + read_text(text_));
  const auto refused = [&](std::vector<std::string> arguments) {
    const ProcessResult result = perplexity(arguments);
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, HasSubstr("[E_MISMATCH]"));
  };
  refused({kGuide, "--kl-base", base, "-f", other});
  refused({kGuide, "--kl-base", base, "-c", "128"});
  const std::string tiny = dir_.file("tiny.gguf");
  tiny_llama().write(tiny);
  refused({tiny, "--kl-base", base});
}

TEST_F(PerplexityRun, ShortTextsAndOddCallsAreExplained) {
  const ProcessResult too_short = perplexity({kGuide, "-f", dir_.write("short", "Hello."), "-c", "64"});
  EXPECT_EQ(too_short.status, 1);
  EXPECT_THAT(too_short.err, HasSubstr("must have at least -c 64"));
  EXPECT_EQ(perplexity({kGuide}).status, 2);
  EXPECT_EQ(perplexity({kGuide, "-f", text_, "-c", "2"}).status, 2);
  EXPECT_EQ(perplexity({kGuide, "-f", text_, "--kl-save", "a", "--kl-base", "b"}).status, 2);
}

TEST_F(PerplexityRun, ChunksStartAnewAndFilesAreSeparate) {
  const auto once = run({"-f", text_, "--chunks", "1"});
  const auto twice = run({"-f", text_, "-f", text_, "--chunks", "1"});
  EXPECT_EQ(twice["chunks"], 2);
  EXPECT_NEAR(twice["loss"], once["loss"], 1e-12);
}

}  // namespace
}  // namespace longhand::test
