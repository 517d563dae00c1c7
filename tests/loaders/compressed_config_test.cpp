// Numbers of attention with compressed keys that contradict each other are refused, naming the key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "loaders/gguf/gguf_writer.h"
#include "loaders/model/config.h"
#include "ops/error.h"

namespace longhand::test {
namespace {

using U32 = std::uint32_t;

// The numbers of a small model, one of which is another.
GgufHead with(const std::string& changed, U32 to) {
  std::map<std::string, U32> numbers = {{"context_length", 64},
                                        {"embedding_length", 32},
                                        {"block_count", 3},
                                        {"feed_forward_length", 32},
                                        {"attention.head_count", 2},
                                        {"attention.head_count_kv", 1},
                                        {"attention.key_length", 16},
                                        {"attention.value_length", 16},
                                        {"rope.dimension_count", 8},
                                        {"attention.sliding_window", 4},
                                        {"attention.q_lora_rank", 16},
                                        {"attention.output_group_count", 2},
                                        {"attention.output_lora_rank", 8},
                                        {"attention.indexer.head_count", 1},
                                        {"attention.indexer.key_length", 16},
                                        {"attention.indexer.top_k", 2},
                                        {"hyper_connection.count", 2},
                                        {"hyper_connection.sinkhorn_iterations", 2},
                                        {"expert_count", 4},
                                        {"expert_used_count", 2},
                                        {"hash_layer_count", 1}};
  numbers[changed] = to;
  GgufHead head;
  head.entries.push_back(gguf_entry("general.architecture", std::string("deepseek4")));
  head.entries.push_back(gguf_entry("deepseek4.attention.layer_norm_rms_epsilon", 1e-5f));
  if (changed != "attention.compress_ratios")
    head.entries.push_back(gguf_array("deepseek4.attention.compress_ratios", std::vector<U32>{0, 4, 3}));
  for (const auto& [name, value] : numbers) head.entries.push_back(gguf_entry("deepseek4." + name, value));
  return head;
}

void expect_refused(const GgufHead& head, const std::string& why) {
  try {
    load_config(head);
    ADD_FAILURE() << "was read: " << why;
  } catch (const Error& e) { EXPECT_THAT(e.what(), testing::HasSubstr(why)); }
}

TEST(CompressedConfig, GivesLayersTheirRatios) {
  const ModelConfig c = load_config(with("attention.sliding_window", 6));
  ASSERT_EQ(c.layers.size(), 3u);
  EXPECT_EQ(c.layers[0].ratio, 0);
  EXPECT_EQ(c.layers[0].window, 6);
  EXPECT_EQ(c.layers[1].ratio, 4);
  EXPECT_EQ(c.layers[1].window, 0);
  EXPECT_EQ(c.layers[1].near, 6);
  EXPECT_TRUE(c.layers[0].listed_experts);
  EXPECT_FALSE(c.layers[1].listed_experts);
}

TEST(CompressedConfig, RefusesWhatContradicts) {
  expect_refused(with("attention.sliding_window", 0), "deepseek4.attention.sliding_window is 0");
  expect_refused(with("attention.head_count_kv", 2), "deepseek4.attention.head_count_kv is 2");
  expect_refused(with("attention.value_length", 8), "deepseek4.attention.value_length is 8");
  expect_refused(with("attention.output_group_count", 3), "deepseek4.attention.output_group_count is 3");
  expect_refused(with("attention.q_lora_rank", 0), "deepseek4.attention.q_lora_rank is 0");
  expect_refused(with("attention.compress_ratios", 5000), "deepseek4.attention.compress_ratios");
  expect_refused(with("hyper_connection.count", 1), "deepseek4.hyper_connection.count");
  expect_refused(with("attention.indexer.key_length", 4), "deepseek4.attention.indexer.key_length is 4");
}

}  // namespace
}  // namespace longhand::test
