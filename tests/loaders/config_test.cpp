// What metadata alone makes of a model.
#include "loaders/model/config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "loaders/gguf/gguf_writer.h"
#include "ops/error.h"

namespace longhand {
namespace {

using U32 = std::uint32_t;

GgufHead metadata(std::string_view arch, const std::map<std::string, U32>& more = {}) {
  GgufHead head;
  const std::string prefix = std::string(arch) + ".";
  std::map<std::string, U32> numbers = more;
  for (const auto& [name, value] : std::map<std::string, U32>{{"context_length", 64},
                                                              {"embedding_length", 32},
                                                              {"block_count", 2},
                                                              {"feed_forward_length", 48},
                                                              {"attention.head_count", 4}})
    numbers.emplace(name, value);
  head.entries.push_back(gguf_entry("general.architecture", arch));
  for (const auto& [name, value] : numbers) head.entries.push_back(gguf_entry(prefix + name, value));
  head.entries.push_back(gguf_entry(prefix + "attention.layer_norm_rms_epsilon", 1e-5f));
  head.entries.push_back(gguf_entry(prefix + "attention.layer_norm_epsilon", 1e-5f));
  return head;
}

TEST(Config, AlphaStretchesTheBaseOfRotation) {
  GgufHead head = metadata("hunyuan-dense", {{"attention.key_length", 16}});
  head.entries.push_back(gguf_entry("hunyuan-dense.rope.freq_base", 500.0f));
  head.entries.push_back(gguf_entry("hunyuan-dense.rope.scaling.alpha", 3.0f));
  EXPECT_NEAR(load_config(head).rope.base, 500 * std::pow(3.0, 16.0 / 14.0), 1e-3);
}

TEST(Config, OnlyTextWithoutAFourthNumberLeavesPairsUnturned) {
  const auto stands = [](const char* arch, int fourth) {
    GgufHead head = metadata(arch);
    head.entries.push_back(
        gguf_array(std::string(arch) + ".rope.dimension_sections", std::vector<int>{1, 1, 1, fourth}));
    return load_config(head).rope.fourth_stands;
  };
  EXPECT_TRUE(stands("hunyuan_vl", 1));
  EXPECT_FALSE(stands("hunyuan_vl", 0));
  EXPECT_FALSE(stands("qwen2vl", 1));
}

TEST(Config, TheLargeExaoneHasWindowsEvenIfNotStated) {
  const ModelConfig large = load_config(metadata("exaone4", {{"block_count", 64}}));
  for (int il = 0; il < 64; ++il) {
    const LayerShape& layer = large.layers[std::size_t(il)];
    EXPECT_EQ(layer.window, il % 4 == 3 ? 0 : 4096) << il;
    EXPECT_EQ(layer.rope, il % 4 != 3) << il;
  }
  for (const LayerShape& layer : load_config(metadata("exaone4")).layers) {
    EXPECT_EQ(layer.window, 0);
    EXPECT_TRUE(layer.rope);
  }
}

TEST(Config, OneExpertIsADenseNetwork) {
  EXPECT_EQ(load_config(metadata("hunyuan-dense", {{"expert_count", 1}})).experts, 0);
  EXPECT_EQ(load_config(metadata("hunyuan-dense", {{"expert_count", 1}, {"expert_used_count", 1}})).experts,
            0);
}

TEST(Config, FirstQwenStatesTwiceTheWidth) {
  EXPECT_EQ(load_config(metadata("qwen")).layers[0].ff, 24);
  EXPECT_EQ(load_config(metadata("qwen2")).layers[0].ff, 48);
}

TEST(Config, GatesOfGemma3nAreCutAsStatedOrInTheFirstTenLayers) {
  const auto cut_layers = [](const std::vector<float>& stated) {
    GgufHead head = metadata("gemma3n", {{"block_count", 12}});
    if (!stated.empty()) head.entries.push_back(gguf_array("gemma3n.activation_sparsity_scale", stated));
    std::vector<int> cut;
    for (const LayerShape& layer : load_config(head).layers) cut.push_back(std::isfinite(layer.gate_cut));
    return cut;
  };
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(cut_layers({}), (std::vector<int>{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0}));
  std::vector<float> stated(12, kNone);
  stated[11] = 0.5f;
  EXPECT_EQ(cut_layers(stated), (std::vector<int>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_THROW(cut_layers({0.5f, 0.5f}), Error);  // one for each layer
}

TEST(Config, LayersOfGemma3nBehindTheTwentiethShareTheirKeys) {
  const ModelConfig c =
      load_config(metadata("gemma3n", {{"block_count", 22}, {"attention.sliding_window", 8}}));
  EXPECT_EQ(c.layers[19].kv_layer, -1);
  EXPECT_EQ(c.layers[20].kv_layer, 18);  // both have a window
  EXPECT_EQ(c.layers[21].kv_layer, 18);
}

}  // namespace
}  // namespace longhand
