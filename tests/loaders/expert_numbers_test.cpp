// What files say of experts, windows and indexers: read as their architectures mean it, or refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "loaders/gguf/gguf_writer.h"
#include "loaders/model/config.h"
#include "ops/error.h"

namespace longhand::test {
namespace {

using U32 = std::uint32_t;
using Value = std::variant<U32, float, bool, std::string, std::vector<U32>, std::vector<float>>;
struct Key {
  std::string name;  // without the architecture
  Value value;
};
using Keys = std::vector<Key>;

// Four layers of width 48 and 4 experts, with `more` in place of keys of the same name.
GgufHead head_of(const std::string& arch, const Keys& more) {
  const Keys common = {{"context_length", U32{256}},
                       {"embedding_length", U32{48}},
                       {"block_count", U32{4}},
                       {"feed_forward_length", U32{64}},
                       {"attention.head_count", U32{4}},
                       {"attention.head_count_kv", U32{2}},
                       {"attention.key_length", U32{12}},
                       {"attention.value_length", U32{12}},
                       {"attention.layer_norm_rms_epsilon", 1e-5f},
                       {"expert_count", U32{4}},
                       {"expert_used_count", U32{2}}};
  GgufHead head;
  head.entries.push_back(gguf_entry("general.architecture", arch));
  const auto add = [&](const Key& key) {
    const std::string name = arch + "." + key.name;
    std::visit(
        [&](const auto& value) {
          if constexpr (requires { value.begin(); } && !std::is_same_v<decltype(value), const std::string&>) {
            head.entries.push_back(gguf_array(name, value));
          } else {
            head.entries.push_back(gguf_entry(name, value));
          }
        },
        key.value);
  };
  for (const Key& key : common) {
    if (std::ranges::find(more, key.name, &Key::name) == more.end()) add(key);
  }
  for (const Key& key : more) add(key);
  return head;
}

ModelConfig config_of(const std::string& arch, const Keys& more = {}) {
  return load_config(head_of(arch, more));
}

std::vector<int> windows(const ModelConfig& c) {
  std::vector<int> result;
  for (const LayerShape& layer : c.layers) result.push_back(layer.window);
  return result;
}
std::vector<bool> rotated(const ModelConfig& c) {
  std::vector<bool> result;
  for (const LayerShape& layer : c.layers) result.push_back(layer.rope);
  return result;
}

const Key kWindow{"attention.sliding_window", U32{8}};

TEST(WindowPatterns, BeginOrEndWithTheLayerThatSeesEverything) {
  EXPECT_THAT(windows(config_of("laguna", {kWindow})), testing::ElementsAre(0, 8, 8, 8));
  EXPECT_THAT(windows(config_of("smallthinker", {kWindow})), testing::ElementsAre(0, 8, 8, 8));
  EXPECT_THAT(windows(config_of("afmoe", {kWindow})), testing::ElementsAre(8, 8, 8, 0));
  EXPECT_THAT(windows(config_of("exaone-moe")), testing::ElementsAre(128, 128, 128, 0));
  EXPECT_THAT(windows(config_of("llama4")), testing::ElementsAre(8192, 8192, 8192, 0));
}

TEST(WindowPatterns, OfTheFileComeFirst) {
  const Key pattern{"attention.sliding_window_pattern", std::vector<U32>{0, 1, 0, 1}};
  for (const char* arch : {"laguna", "mimo2", "step35", "mellum"})
    EXPECT_THAT(windows(config_of(arch, {kWindow, pattern})), testing::ElementsAre(0, 8, 0, 8)) << arch;
  EXPECT_THAT(windows(config_of("mimo2", {kWindow})), testing::ElementsAre(0, 0, 0, 0));
}

TEST(Rotation, IsLeftOutWhereTheArchitectureSaysSo) {
  EXPECT_THAT(rotated(config_of("afmoe", {kWindow})), testing::ElementsAre(true, true, true, false));
  EXPECT_THAT(rotated(config_of("smallthinker", {kWindow})), testing::ElementsAre(false, true, true, true));
  EXPECT_THAT(rotated(config_of("smallthinker")), testing::ElementsAre(true, true, true, true));
  const Keys cohere = {kWindow, {"leading_dense_block_count", U32{1}}};
  EXPECT_THAT(rotated(config_of("cohere2moe", cohere)), testing::ElementsAre(true, true, true, true));
  EXPECT_THAT(rotated(config_of("llama4")), testing::ElementsAre(true, true, true, false));
}

TEST(Rotation, OfHalfTheDimensionsInLayersThatSeeEverything) {
  const Key pattern{"attention.sliding_window_pattern", std::vector<U32>{0, 1, 1, 0}};
  const ModelConfig c = config_of("step35", {kWindow, pattern, {"rope.dimension_count", U32{8}}});
  EXPECT_EQ(c.rope.rot, 4);
  EXPECT_EQ(c.rope.local_rot, 8);
}

TEST(ExpertWidths, AreGuessedAsTheArchitecturesMeanThem) {
  EXPECT_EQ(config_of("grok").expert_ff, 64);
  EXPECT_EQ(config_of("mellum").expert_ff, 32);
  EXPECT_EQ(config_of("dots1", {{"expert_shared_count", U32{3}}}).shared_ff, 3 * 64);
  const Keys shared = {{"expert_shared_feed_forward_length", U32{10}}, {"expert_shared_count", U32{2}}};
  EXPECT_EQ(config_of("hy_v3", shared).shared_ff, 10);
  EXPECT_EQ(config_of("bailingmoe2", shared).shared_ff, 20);
}

TEST(Limits, AreOneForEachLayer) {
  const std::vector<float> limits = {0, 2, 0, 3};
  const ModelConfig c = config_of("step35", {{"swiglu_clamp_exp", limits}});
  for (std::size_t il = 0; il < limits.size(); ++il) {
    EXPECT_EQ(c.layers[il].expert_limit, limits[il]);
    EXPECT_EQ(c.layers[il].dense_limit, 0);
  }
}

struct Hostile {
  std::string arch;
  Keys keys;
  std::string says;
};

TEST(HostileNumbers, AreRefusedByName) {
  const Keys latent = {{"attention.kv_lora_rank", U32{16}},      {"attention.q_lora_rank", U32{16}},
                       {"rope.dimension_count", U32{4}},         {"attention.indexer.head_count", U32{2}},
                       {"attention.indexer.key_length", U32{8}}, {"attention.indexer.top_k", U32{4}}};
  const auto with = [](Keys keys, const Key& key) {
    std::erase_if(keys, [&](const Key& other) { return other.name == key.name; });
    keys.push_back(key);
    return keys;
  };
  const Keys blocks = {{"attention.indexer.head_count", U32{2}},
                       {"attention.indexer.key_length", U32{12}},
                       {"attention.indexer.top_k", U32{3}},
                       {"attention.indexer.block_size", U32{8}},
                       {"attention.indexer.local_blocks", U32{1}}};
  const Keys chunks = {{"expert_chunk_feed_forward_length", U32{8}}};
  ASSERT_NO_THROW(config_of("deepseek32", latent));
  ASSERT_NO_THROW(config_of("minimax-m3", blocks));
  ASSERT_NO_THROW(config_of("grovemoe", chunks));
  const Hostile all[] = {
      {"grovemoe", with(chunks, {"experts_per_group", U32{0}}), "experts_per_group is 0"},
      {"grovemoe", with(chunks, {"experts_per_group", U32{3}}), "must divide the 4 experts"},
      {"grovemoe", {}, "expert_chunk_feed_forward_length"},
      {"step35", {{"swiglu_clamp_exp", std::vector<float>{1, 1, 1}}}, "must have one for each of 4 layers"},
      {"step35", {{"rope.dimension_count", U32{6}}}, "must be a multiple of 4"},
      {"laguna", {{"attention.head_count", std::vector<U32>{4, 3, 4, 4}}}, "for layer 1"},
      {"bailingmoe", {{"rope.dimension_count", U32{14}}}, "rope.dimension_count is 14"},
      {"deepseek32", with(latent, {"attention.indexer.top_k", U32{0}}), "indexer.top_k is 0"},
      {"deepseek32", with(latent, {"attention.indexer.key_length", U32{2}}), "less than the 4 dimensions"},
      {"deepseek32", with(latent, {"attention.q_lora_rank", U32{0}}), "reads compressed queries"},
      {"minimax-m3", with(blocks, {"attention.indexer.head_count", U32{4}}), "must be the 2 heads of keys"},
      {"minimax-m3", with(blocks, {"attention.indexer.block_size", U32{0}}), "block_size is 0"},
      {"minimax-m3", with(blocks, {"attention.indexer.local_blocks", U32{4}}), "more than the 3 blocks"},
  };
  for (const Hostile& h : all) {
    try {
      config_of(h.arch, h.keys);
      ADD_FAILURE() << h.arch << " was read: " << h.says;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr(h.says)) << h.arch;
      EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("\n")));
    }
  }
}

}  // namespace
}  // namespace longhand::test
