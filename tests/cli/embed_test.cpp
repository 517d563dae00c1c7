// embed and rank as a user types them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/embed/text_list.h"
#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<json> json_lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

// An embedding model, and a reranker that prefers one letter, since all it reads is the last state.
class EmbedRun : public testing::Test {
 protected:
  EmbedRun() {
    GgufWriter embedding = tiny_llama();
    embedding.add("llama.attention.causal", false).add("llama.pooling_type", std::uint32_t{1});
    embedding.write(model_);
    GgufWriter reranker = tiny_llama();
    reranker.add("llama.pooling_type", std::uint32_t{4});
    reranker.add_array("llama.classifier.output_labels", std::vector<std::string>{"good", "bad"});
    std::vector<float> weights(64);
    weights[0] = 1;
    reranker.tensor("cls.output.weight", {32, 2}, weights);
    reranker.write(reranker_);
  }
  ProcessResult run(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), LONGHAND_PROGRAM);
    return run_process(arguments, input);
  }
  ProcessResult embed(std::vector<std::string> more, const std::string& input = "") const {
    more.insert(more.begin(), {"embed", model_});
    return run(std::move(more), input);
  }

  TempDir dir_;
  std::string model_ = dir_.file("embedding.gguf"), reranker_ = dir_.file("reranker.gguf");
};

TEST_F(EmbedRun, WritesALineForEachText) {
  const auto result = embed({}, "abc\n\nghijk\r\n");
  ASSERT_EQ(result.status, 0) << result.err;
  const auto lines = json_lines(result.out);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1]["index"], 1);
  EXPECT_EQ(lines[1]["tokens"], 5);
  EXPECT_EQ(lines[1]["left_out"], 0);
  const auto vector = lines[1]["embedding"].get<std::vector<double>>();
  ASSERT_EQ(vector.size(), 32u);
  double squares = 0;
  for (const double x : vector) squares += x * x;
  EXPECT_NEAR(squares, 1, 1e-5);
  const auto again = json_lines(embed({"-p", "ghijk"}).out);
  EXPECT_EQ(again[0]["embedding"], lines[1]["embedding"]);
}

TEST_F(EmbedRun, EveryFormatHasTheSameNumbers) {
  const std::string texts = dir_.write("texts", "abc\ngh\n"), out = dir_.file("out");
  const auto lines = json_lines(embed({"-f", texts}).out);
  ASSERT_EQ(embed({"-f", texts, "-o", out + ".f32"}).status, 0);
  const auto floats = read_floats(out + ".f32");
  ASSERT_EQ(floats.size(), 64u);
  ASSERT_EQ(embed({"-f", texts, "-o", out}).status, 0);  // whatever its name
  EXPECT_EQ(read_floats(out), floats);
  ASSERT_EQ(embed({"-f", texts, "-o", out + ".csv"}).status, 0);
  std::istringstream csv(read_text(out + ".csv"));
  for (std::size_t i = 0; i < 2; ++i) {
    std::string row;
    std::getline(csv, row);
    std::istringstream values(row);
    for (std::size_t d = 0; d < 32; ++d) {
      std::string value;
      std::getline(values, value, ',');
      EXPECT_EQ(std::stof(value), floats[i * 32 + d]);
      EXPECT_EQ(lines[i]["embedding"][d].get<float>(), floats[i * 32 + d]);
    }
  }
  EXPECT_EQ(embed({"-f", texts, "--format", "csv"}).out, read_text(out + ".csv"));
}

TEST_F(EmbedRun, TakesTokensOfOtherPrograms) {
  const std::string ids = dir_.write("ids.json", R"({"ids": [5, 6, 7]})"), out = dir_.file("out.f32");
  ASSERT_EQ(embed({"--tokens", ids, "--pooling", "none", "--normalize", "off", "-o", out}).status, 0);
  EXPECT_EQ(read_floats(out).size(), 3 * 32u);
  const auto lines = json_lines(embed({"--tokens", ids, "--pooling", "none"}).out);
  EXPECT_EQ(lines[0]["embeddings"].size(), 3u);
}

TEST_F(EmbedRun, SaysWhatItCuts) {
  const auto result =
      embed({"-c", "4", "--jsonl"}, "{\"text\": \"ghijkl\"}\n{\"text\": \"gh\", \"id\": 7}\n");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 of 2 texts are longer than the 4 tokens"));
  const auto lines = json_lines(result.out);
  EXPECT_EQ(lines[0]["left_out"], 2);
  EXPECT_EQ(lines[1]["left_out"], 0);
}

TEST_F(EmbedRun, RefusesInOneLine) {
  const auto refused = [](const ProcessResult& result, int status, const char* why) {
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_THAT(result.err, HasSubstr(why));
    EXPECT_EQ(result.out, "");
  };
  refused(run({"chat", model_}, "hello\n"), 1, "predicts no tokens");
  refused(run({"run", model_, "-p", "hello"}), 1, "predicts no tokens");
  refused(embed({"-p", "a", "-f", "b"}), 2, "exclude one another");
  refused(embed({"-p", "a", "--jsonl"}), 2, "--jsonl");
  refused(embed({"-p", "a", "--pooling", "rank"}), 1, "has no classifier");
  refused(embed({"-p", ""}), 1, "has no tokens");
  refused(embed({"--jsonl"}, "{\"text\": 5}\n"), 1, "line 1");
  refused(embed({"-p", "a", "--attention", "window"}), 1, "sees the whole text");
  refused(embed({"-p", "a", "--normalize", "maybe"}), 2, "--normalize");
}

TEST_F(EmbedRun, RanksByTheClassifier) {
  const std::string texts = dir_.write("texts", "g\nh\ni\nj\n");
  const auto result = run({"rank", reranker_, "--query", "ab", "-f", texts, "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto lines = json_lines(result.out);
  ASSERT_EQ(lines.size(), 4u);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_GE(lines[i - 1]["score"], lines[i]["score"]);
  EXPECT_EQ(lines[0]["score"], lines[0]["scores"]["good"]);
  EXPECT_EQ(lines[0]["scores"]["bad"], 0);
  const auto best = run({"rank", reranker_, "--query", "ab", "-f", texts, "--top", "1"});
  EXPECT_THAT(best.out, HasSubstr("\t" + std::to_string(lines[0]["index"].get<int>()) + "\t"));
  EXPECT_EQ(std::count(best.out.begin(), best.out.end(), '\n'), 1);
}

TEST_F(EmbedRun, RanksByTheAngleOfVectorsElsewhere) {
  const auto result = run({"rank", model_, "--query", "ghi", "--json"}, "xyz\nghi\n");
  ASSERT_EQ(result.status, 0) << result.err;
  const auto lines = json_lines(result.out);
  EXPECT_EQ(lines[0]["text"], "ghi");
  EXPECT_NEAR(lines[0]["score"], 1, 1e-5);
  EXPECT_LT(lines[1]["score"], 0.999);
}

TEST(TextList, LinesAndObjects) {
  const TempDir dir;
  EXPECT_THAT(cli::read_texts(dir.write("a", "\xEF\xBB\xBFone\r\n\ntwo"), false), ElementsAre("one", "two"));
  EXPECT_THAT(cli::read_texts(dir.write("b", "{\"text\":\"a\\nb\"}\n"), true), ElementsAre("a\nb"));
  EXPECT_THAT(cli::read_texts(dir.write("c", ""), false), ElementsAre());
}

}  // namespace
}  // namespace longhand::test
