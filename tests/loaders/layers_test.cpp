// What layers are made of, as metadata and the presence of tensors tell.
#include "loaders/model/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loaders/gguf/gguf_writer.h"
#include "loaders/model/tensors/tensor_list.h"

namespace longhand {
namespace {

using U32 = std::uint32_t;

ModelConfig config_of(std::string_view arch, U32 heads, std::vector<GgufEntry> more = {}, U32 count = 4) {
  const std::string prefix = std::string(arch) + ".";
  GgufHead head;
  head.entries = {gguf_entry("general.architecture", arch),
                  gguf_entry(prefix + "context_length", U32{64}),
                  gguf_entry(prefix + "embedding_length", U32{16 * 12}),
                  gguf_entry(prefix + "block_count", count),
                  gguf_entry(prefix + "attention.layer_norm_rms_epsilon", 1e-5f),
                  gguf_entry(prefix + "attention.layer_norm_epsilon", 1e-5f)};
  if (heads > 0) {
    more.push_back(gguf_entry(prefix + "attention.head_count", heads));
    more.push_back(gguf_entry(prefix + "feed_forward_length", U32{48}));
  }
  for (GgufEntry& entry : more) head.entries.push_back(std::move(entry));
  return load_config(head);
}

std::vector<LayerPlan> layers_of(const ModelConfig& config, std::vector<std::string> tensors = {}) {
  return plan_layers(config, wish_list(std::move(tensors)));
}

std::vector<float> slopes_of(const LayerPlan& layer) {
  std::vector<float> slopes;
  for_each_attention(layer, [&](const AttentionCore& core) { slopes = core.slopes; });
  return slopes;
}

// As the paper has them for 8 heads; where heads are no power of two, in between.
TEST(Alibi, SlopesFallGeometrically) {
  EXPECT_THAT(slopes_of(layers_of(config_of("bloom", 8))[0]),
              testing::Pointwise(testing::FloatEq(), {0.5f, 0.25f, 0.125f, 0.0625f, 0.03125f, 0.015625f,
                                                      0.0078125f, 0.00390625f}));
  EXPECT_THAT(slopes_of(layers_of(config_of("refact", 6))[0]),
              testing::Pointwise(testing::FloatEq(), {0.25f, 0.0625f, 0.015625f, 0.00390625f, 0.5f, 0.125f}));
  EXPECT_THAT(slopes_of(layers_of(config_of("mpt", 8))[0]), testing::IsEmpty());
  const auto stated = config_of("mpt", 2, {gguf_entry("mpt.attention.max_alibi_bias", 4.0f)});
  EXPECT_THAT(slopes_of(layers_of(stated)[0]), testing::Pointwise(testing::FloatEq(), {0.25f, 0.0625f}));
}

TEST(Alibi, TheLargeBaichuanHasItInPlaceOfRotation) {
  for (const U32 count : {32u, 40u}) {
    const ModelConfig config = config_of("baichuan", 4, {}, count);
    for (const LayerPlan& layer : layers_of(config)) {
      EXPECT_EQ(slopes_of(layer).size(), count == 40 ? 4u : 0u);
      for_each_attention(layer, [&](const AttentionCore& core) {
        EXPECT_EQ(core.rope, count == 40 ? Rope::none : Rope::neighbours);
      });
    }
  }
}

TEST(Rounds, AreParallelOrSerialAsTheFileSays) {
  const auto rounds = [](std::vector<GgufEntry> more) {
    return layers_of(config_of("gptneox", 4, std::move(more)), {"ffn_norm.weight"})[0].rounds.size();
  };
  EXPECT_EQ(rounds({}), 1u);
  EXPECT_EQ(rounds({gguf_entry("gptneox.use_parallel_residual", true)}), 1u);
  EXPECT_EQ(rounds({gguf_entry("gptneox.use_parallel_residual", false)}), 2u);
}

TEST(Rounds, HalvesOfFalconShareANormOrNot) {
  const auto norms = [](std::vector<std::string> tensors) {
    const auto layers = layers_of(config_of("falcon", 4), std::move(tensors));
    std::vector<std::string_view> names;
    for (const Block& block : layers[0].rounds[0].side_by_side) names.push_back(block.pre.name);
    return names;
  };
  EXPECT_THAT(norms({}), testing::ElementsAre("attn_norm", "attn_norm"));
  EXPECT_THAT(norms({"attn_norm_2.weight"}), testing::ElementsAre("attn_norm_2", "attn_norm"));
}

TEST(Rounds, LayersOfASearchedModelLackParts) {
  const std::vector<GgufEntry> more = {
      gguf_array("deci.attention.head_count", std::vector<U32>{4, 4, 0, 0}),
      gguf_array("deci.attention.head_count_kv", std::vector<U32>{2, 0, 0, 0}),
      gguf_array("deci.feed_forward_length", std::vector<U32>{48, 40, 32, 0}),
      gguf_entry("deci.attention.key_length", U32{48})};
  const auto layers = layers_of(config_of("deci", 0, more));
  const auto mixes = [&](std::size_t il) { return layers[il].rounds[0].side_by_side[0].plan.index(); };
  ASSERT_THAT(layers, testing::SizeIs(4));
  EXPECT_THAT(layers[0].rounds, testing::SizeIs(2));
  EXPECT_EQ(mixes(0), BlockPlan(AttentionPlan{}).index());
  EXPECT_THAT(layers[1].rounds, testing::SizeIs(2));
  EXPECT_EQ(mixes(1), BlockPlan(MatrixPlan{}).index());
  EXPECT_THAT(layers[2].rounds, testing::SizeIs(1));
  EXPECT_EQ(mixes(2), BlockPlan(DensePlan{}).index());
  EXPECT_THAT(layers[3].rounds, testing::IsEmpty());
}

}  // namespace
}  // namespace longhand
