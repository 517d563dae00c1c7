#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "cli/measure/bench/random_blocks.h"
#include "cli/measure/bench/synthetic_model.h"
#include "engine/longhand.h"
#include "loaders/gguf/gguf.h"
#include "ops/format.h"
#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using cli::RandomBlocks;

class Synthetic : public testing::Test {
 protected:
  std::string write(const std::string& spec) {
    const std::string path = dir_.file("model.gguf");
    cli::OutputFile file(path);
    cli::write_synthetic(cli::parse_synthetic(spec), file, {});
    file.finish();
    return path;
  }
  TempDir dir_;
};

TEST_F(Synthetic, EveryTypeLoadsAndGivesNormalLogits) {
  for (const auto& mix : cli::type_mixes()) {
    for (const std::string shape :
         {"tiny:", "tiny-moe:", "tiny-qwen35:", "tiny-lfm2:", "tiny-gpt-oss:", "tiny-gemma4:"}) {
      const std::string spec = shape + std::string(mix.name);
      const Model model = Model::load(write(spec), {.threads = 1});
      EXPECT_THAT(model.info().warnings, testing::IsEmpty()) << spec;
      SessionOptions options;
      options.context = 64;
      options.threads = 1;
      Session session(model, options);
      double squares = 0;
      const auto logits = session.feed(std::vector<Token>{1, 2, 3, 4, 5, 500, 7, 8});
      for (const float x : logits) squares += double{x} * double{x};
      // Inputs of the head have the size 1 and rows of its weights the length 1.
      const double size = std::sqrt(squares / double(logits.size()));
      EXPECT_GT(size, 0.5) << spec;
      EXPECT_LT(size, 2) << spec;
    }
  }
}

TEST_F(Synthetic, TheSameNameGivesTheSameBytes) {
  const std::string first = read_text(write("tiny:Q4_K_M"));
  EXPECT_EQ(first.size(), cli::synthetic_bytes(cli::parse_synthetic("tiny:Q4_K_M")));
  EXPECT_EQ(first, read_text(write("tiny:Q4_K_M")));
  EXPECT_NE(first, read_text(write("tiny:Q4_K_S")));
}

TEST_F(Synthetic, TheVocabularyIsWholeAndEncodesAnyText) {
  const Model model = Model::load(write("tiny:Q8_0"));
  EXPECT_EQ(model.info().vocab, 512);
  const std::string text = "in the text \n\xF0\x9F\x98\x80";
  EXPECT_EQ(model.decode(model.encode(text, false)), text);
  EXPECT_TRUE(model.ends_generation(510));
  EXPECT_TRUE(model.ends_generation(511));
  EXPECT_FALSE(model.ends_generation(300));
}

TEST_F(Synthetic, MixesAreThoseOfRealFiles) {
  const Gguf file = Gguf::open(write("tiny:Q4_K_M"));
  std::map<std::string, int> types;
  for (const auto& t : file.tensors()) {
    const bool varies = t.name.ends_with("attn_v.weight") || t.name.ends_with("ffn_down.weight");
    if (varies) ++types[std::string(known_tensor_type(t.type_id)->name)];
  }
  // Of 8 layers 0, 7 and every third between: 3, 6.
  EXPECT_EQ(types, (std::map<std::string, int>{{"Q4_K", 8}, {"Q6_K", 8}}));
  const auto type = [&](const char* name) {
    return known_tensor_type(file.find_tensor(name)->type_id)->name;
  };
  EXPECT_EQ(type("token_embd.weight"), "Q6_K");
  EXPECT_EQ(type("blk.3.attn_v.weight"), "Q6_K");
  EXPECT_EQ(type("blk.2.attn_v.weight"), "Q4_K");
  EXPECT_EQ(type("blk.3.attn_output.weight"), "Q4_K");
  EXPECT_EQ(type("blk.3.attn_norm.weight"), "F32");
}

const char* type_of(const char* spec, MatrixRole role, int layer, int cols) {
  const auto model = cli::parse_synthetic(spec);
  return cli::matrix_format(*model.mix, *model.shape, role, layer, cols).name;
}

TEST(TypeMix, FollowsTheRulesOfTheLayers) {
  EXPECT_STREQ(type_of("llama-1b:Q3_K_M", MatrixRole::attn_v, 1, 2048), "Q5_K");
  EXPECT_STREQ(type_of("llama-1b:Q3_K_M", MatrixRole::attn_v, 2, 2048), "Q4_K");
  EXPECT_STREQ(type_of("llama-1b:Q3_K_M", MatrixRole::ffn_down, 0, 8192), "Q5_K");
  EXPECT_STREQ(type_of("llama-1b:Q3_K_M", MatrixRole::ffn, 0, 2048), "Q3_K");
  EXPECT_STREQ(type_of("llama-1b:Q4_K_S", MatrixRole::ffn_down, 1, 8192), "Q5_K");
  EXPECT_STREQ(type_of("llama-1b:Q4_K_S", MatrixRole::ffn_down, 2, 8192), "Q4_K");
  EXPECT_STREQ(type_of("llama-1b:Q5_K_M", MatrixRole::attn_v, 15, 2048), "Q6_K");
  EXPECT_STREQ(type_of("llama-1b:Q4_0", MatrixRole::embedding, 0, 2048), "Q6_K");
  EXPECT_STREQ(type_of("llama-8b:Q4_K_M", MatrixRole::embedding, 0, 4096), "Q4_K");
  EXPECT_STREQ(type_of("llama-8b:Q4_K_M", MatrixRole::head, 0, 4096), "Q6_K");
  EXPECT_STREQ(type_of("llama-1b:BF16", MatrixRole::embedding, 0, 2048), "BF16");
  EXPECT_STREQ(type_of("llama-1b:Q4_K", MatrixRole::embedding, 0, 2048), "Q4_K");
  EXPECT_STREQ(type_of("olmoe-1b-7b:MXFP4", MatrixRole::attention, 0, 2048), "Q8_0");
  EXPECT_STREQ(type_of("olmoe-1b-7b:MXFP4", MatrixRole::ffn, 0, 2048), "MXFP4");
}

// 576 columns are no whole number of blocks of 256.
TEST(TypeMix, FallsBackWhereBlocksDoNotFit) {
  EXPECT_STREQ(type_of("smollm-135m:Q4_K_M", MatrixRole::attention, 0, 576), "Q5_0");
  EXPECT_STREQ(type_of("smollm-135m:Q4_K_M", MatrixRole::embedding, 0, 576), "Q8_0");
  EXPECT_STREQ(type_of("smollm-135m:IQ4_XS", MatrixRole::ffn, 9, 576), "IQ4_NL");
  EXPECT_STREQ(type_of("smollm-135m:Q4_K_M", MatrixRole::ffn_down, 9, 1536), "Q4_K");
}

TEST(RandomBlocks, HaveTheSpreadAskedForAndNoMean) {
  constexpr std::size_t kWeights = 1 << 16;
  for (int id = 0; id < kFormatCount; ++id) {
    const FormatInfo& type = format_info(FormatId(id));
    if (type.row_head > 0) continue;
    std::vector<std::byte> bytes(kWeights / type.block_elements * type.block_bytes);
    Random random(7);
    RandomBlocks(type, 0.03f).fill(bytes, random);
    std::vector<float> weights(kWeights);
    decode_blocks(FormatId(id), bytes.data(), std::int64_t{kWeights} / type.block_elements, weights.data());
    double sum = 0, squares = 0;
    for (const float w : weights) {
      sum += double{w};
      squares += double{w} * double{w};
    }
    EXPECT_NEAR(std::log2(std::sqrt(squares / kWeights) / 0.03), 0, 0.51) << type.name;
    EXPECT_NEAR(sum / kWeights / 0.03, 0, 0.15) << type.name;
  }
}

TEST(RandomBlocks, AnyNumberOfBlocksIsFilledToItsEndOnly) {
  const FormatInfo& type = Q4_0::info;
  for (std::size_t blocks = 1; blocks < 20; ++blocks) {
    std::vector<std::byte> bytes(blocks * type.block_bytes + 1);
    Random random(7);
    RandomBlocks(type, 0.03f).fill(std::span(bytes).first(bytes.size() - 1), random);
    EXPECT_EQ(bytes.back(), std::byte{0});
    std::vector<float> weights(blocks * 32);
    decode_blocks(FormatId(find_format(type.gguf)), bytes.data(), std::int64_t(blocks), weights.data());
    for (const float w : weights) EXPECT_LT(std::abs(w), 0.06f);
  }
}

TEST(SyntheticName, UnknownPartsAreRefusedWithTheListOfKnownOnes) {
  for (const auto& [spec, says] : std::map<std::string, std::string>{{"", "llama-1b"},
                                                                     {"llama-1b", "Q4_K_M"},
                                                                     {"llama-1b:", "Q4_K_M"},
                                                                     {"llama-1b:q4_k_m", "Q4_K_M"},
                                                                     {"llama-2b:Q4_0", "'llama-2b'"}}) {
    try {
      cli::parse_synthetic(spec);
      ADD_FAILURE() << spec;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::range);
      EXPECT_THAT(error.what(), testing::HasSubstr(says)) << spec;
    }
  }
}

}  // namespace
}  // namespace longhand::test
