// What families make of config.json alone, and rows put as they ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <thread>

#include "engine/make/convert/family.h"
#include "tests/make/hub_folder.h"
#include "tests/support/error_code.h"

namespace longhand::test {
namespace {

using nlohmann::json;

std::uint32_t number_of(const ModelKeys& keys, const std::string& key) {
  for (const GgufEntry& entry : keys.entries()) {
    std::uint32_t value = 0;
    if (entry.key == key) std::memcpy(&value, entry.value.data(), sizeof value);
    if (entry.key == key) return value;
  }
  return 0;
}

std::uint32_t lfm2_width(const json& more) {
  json object = {{"num_hidden_layers", 2}, {"num_key_value_heads", 2},        {"vocab_size", 10},
                 {"conv_L_cache", 3},      {"layer_types", {"conv", "conv"}}, {"block_ff_dim", 12288}};
  object.update(more);
  const HubConfig config(object, "config.json");
  ModelKeys keys("lfm2");
  find_family("Lfm2ForCausalLM", config)->keys(config, keys);
  return number_of(keys, "lfm2.feed_forward_length");
}

// transformers takes two thirds, in multiples of 256, where nothing is said.
TEST(FamilyKeys, Lfm2StatesTheWidthBeforeItIsAdjusted) {
  EXPECT_EQ(lfm2_width(json::object()), 8192u);
  EXPECT_EQ(lfm2_width({{"block_auto_adjust_ff_dim", false}}), 12288u);
  EXPECT_EQ(lfm2_width({{"block_ff_dim", 1000}}), 768u);
  EXPECT_EQ(lfm2_width({{"block_ff_dim", 1000}, {"block_multiple_of", 10}}), 670u);
}

TEST(FamilyKeys, StateWhetherWeightsOfExpertsAreNormalised) {
  for (const bool normalised : {false, true}) {
    const HubConfig config({{"norm_topk_prob", normalised}, {"routed_scaling_factor", 2.5}}, "config.json");
    ModelKeys keys("qwen3moe");
    add_common_keys(config, keys);
    const auto norm = std::ranges::find(keys.entries(), "qwen3moe.expert_weights_norm", &GgufEntry::key);
    ASSERT_NE(norm, keys.entries().end());
    EXPECT_EQ(norm->value, std::string(1, char(normalised)));
    EXPECT_EQ(std::bit_cast<float>(number_of(keys, "qwen3moe.expert_weights_scale")), 2.5f);
  }
}

void make_keys(const char* model_class, const json& object) {
  const HubConfig config(object, "config.json");
  const Family& family = *find_family(model_class, config);
  ModelKeys keys{std::string(family.architecture)};
  family.keys(config, keys);
}

// What an architecture has built in and config.json states otherwise is refused.
TEST(FamilyKeys, GemmaScalesQueriesAsItsReadersDo) {
  json object = {{"num_hidden_layers", 26},
                 {"hidden_size", 2304},
                 {"num_attention_heads", 8},
                 {"num_key_value_heads", 4},
                 {"head_dim", 256},
                 {"sliding_window", 4096},
                 {"attn_logit_softcapping", 50},
                 {"final_logit_softcapping", 30},
                 {"query_pre_attn_scalar", 224}};
  EXPECT_EQ(code_of([&] { make_keys("Gemma2ForCausalLM", object); }), Errc::unsupported);
  object["query_pre_attn_scalar"] = 256;
  EXPECT_NO_THROW(make_keys("Gemma2ForCausalLM", object));
  object.update(
      {{"num_hidden_layers", 46}, {"hidden_size", 4608}, {"num_attention_heads", 32}, {"head_dim", 128}});
  EXPECT_EQ(code_of([&] { make_keys("Gemma2ForCausalLM", object); }), Errc::unsupported);
  object["query_pre_attn_scalar"] = 144;
  EXPECT_NO_THROW(make_keys("Gemma2ForCausalLM", object));
}

TEST(FamilyKeys, Smollm3RotatesAllButEveryFourthLayer) {
  json object = {{"num_attention_heads", 2}, {"hidden_size", 8}, {"no_rope_layers", {1, 1, 1, 0, 1}}};
  EXPECT_NO_THROW(make_keys("SmolLM3ForCausalLM", object));
  object["no_rope_layers"] = {1, 1, 0, 1, 1};
  EXPECT_EQ(code_of([&] { make_keys("SmolLM3ForCausalLM", object); }), Errc::unsupported);
}

TEST(FamilyKeys, Phi3CalledItsOwnScalingByOtherNames) {
  for (const char* name : {"longrope", "su", "yarn"}) {
    const HubConfig config(
        {{"rope_scaling", {{"type", name}, {"long_factor", {1, 2}}, {"short_factor", {1, 1}}}},
         {"max_position_embeddings", 4096}},
        "config.json");
    ModelKeys keys("phi3");
    add_common_keys(config, keys);
    const auto type = std::ranges::find(keys.entries(), "phi3.rope.scaling.type", &GgufEntry::key);
    ASSERT_NE(type, keys.entries().end()) << name;
    EXPECT_THAT(type->value, testing::EndsWith("longrope")) << name;
  }
}

TEST(TensorRows, TransposesFromSeveralThreads) {
  constexpr std::uint64_t kMatrices = 3, kHeight = 700, kWidth = 130;
  const std::vector<float> values = random_values(kMatrices * kHeight * kWidth, 1);
  const HubTensor given = hub_tensor("w", {kMatrices, kHeight, kWidth}, values);
  StoredTensor stored;
  stored.name = "w";
  stored.type = StoredType::f32;
  stored.shape = given.shape;
  stored.data = std::as_bytes(std::span(given.bytes));
  const TensorRows rows = transposed(stored_rows(stored));
  EXPECT_EQ(rows.shape, (std::vector<std::uint64_t>{kMatrices, kWidth, kHeight}));
  std::vector<float> read(values.size());
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t row = t; row < rows.rows(); row += 4) {
        const std::uint64_t half = kHeight / 2 + t;
        rows.read(row, 0, half, &read[row * kHeight]);
        rows.read(row, half, kHeight - half, &read[row * kHeight + half]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::uint64_t m = 0; m < kMatrices; ++m) {
    for (std::uint64_t c = 0; c < kWidth; ++c) {
      for (std::uint64_t r = 0; r < kHeight; ++r)
        ASSERT_EQ(read[(m * kWidth + c) * kHeight + r], values[(m * kHeight + r) * kWidth + c]);
    }
  }
}

}  // namespace
}  // namespace longhand::test
