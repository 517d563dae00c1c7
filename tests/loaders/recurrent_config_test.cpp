// Numbers of recurrent layers that contradict each other are refused, naming the key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "loaders/gguf/gguf_writer.h"
#include "loaders/model/config.h"
#include "ops/error.h"

namespace longhand::test {
namespace {

using Numbers = std::map<std::string, std::uint32_t>;

ModelConfig load(const std::string& arch, Numbers numbers, const Numbers& changes) {
  for (const auto& [name, value] : changes) numbers[name] = value;
  GgufHead head;
  head.entries.push_back(gguf_entry("general.architecture", arch));
  numbers.insert({{"context_length", 64}, {"embedding_length", 32}, {"block_count", 2}});
  for (const auto& [name, value] : numbers) head.entries.push_back(gguf_entry(arch + "." + name, value));
  head.entries.push_back(gguf_entry(arch + ".attention.layer_norm_rms_epsilon", 1e-5f));
  head.entries.push_back(gguf_entry(arch + ".attention.layer_norm_epsilon", 1e-5f));
  return load_config(head);
}

void expect_refused(const std::string& arch, const Numbers& good, const Numbers& changes,
                    const std::string& why) {
  try {
    load(arch, good, changes);
    ADD_FAILURE() << arch << " was read: " << why;
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr(why));
    EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("\n")));
  }
}

const Numbers kMamba2 = {{"ssm.conv_kernel", 4},
                         {"ssm.state_size", 16},
                         {"ssm.inner_size", 64},
                         {"ssm.time_step_rank", 8},
                         {"ssm.group_count", 2}};

TEST(RecurrentConfig, OfMamba2) {
  const ModelConfig c = load("mamba2", kMamba2, {});
  EXPECT_EQ(c.recurrent.heads, 8);
  EXPECT_EQ(c.recurrent.groups, 2);
  EXPECT_EQ(c.layers[1].mixer, Mixer::mamba2);
  EXPECT_FALSE(c.layers[1].attends());
  expect_refused("mamba2", kMamba2, {{"ssm.conv_kernel", 0}}, "mamba2.ssm.conv_kernel is 0");
  expect_refused("mamba2", kMamba2, {{"ssm.conv_kernel", 1000}}, "mamba2.ssm.conv_kernel");
  expect_refused("mamba2", kMamba2, {{"ssm.state_size", 0}}, "mamba2.ssm.state_size is 0");
  expect_refused("mamba2", kMamba2,
                 {{"ssm.state_size", 65536},
                  {"ssm.group_count", 512},
                  {"ssm.time_step_rank", 512},
                  {"ssm.inner_size", 512}},
                 "mamba2.ssm.state_size is 65536: 512 groups of it exceed 2^24");
  expect_refused("mamba2", kMamba2, {{"ssm.inner_size", 66}},
                 "mamba2.ssm.time_step_rank is 8, must divide inner_size 66");
  expect_refused("mamba2", kMamba2, {{"ssm.group_count", 3}},
                 "mamba2.ssm.group_count is 3, must divide time_step_rank 8");
  expect_refused("mamba2", kMamba2, {{"ssm.group_count", 0}}, "mamba2.ssm.group_count is 0");
}

TEST(RecurrentConfig, OfMambaWithTimeStepsOfHeads) {
  Numbers numbers = kMamba2;
  numbers["ssm.group_count"] = 0;  // as its files have it
  const ModelConfig c = load("plamo2", numbers, {{"attention.head_count", 0}});
  EXPECT_EQ(c.recurrent.dt_rank, 64);
  EXPECT_EQ(c.recurrent.heads, 8);
  expect_refused("plamo2", numbers, {{"ssm.time_step_rank", 7}}, "plamo2.ssm.time_step_rank is 7");
}

TEST(RecurrentConfig, OfKimiDelta) {
  const Numbers good = {{"ssm.conv_kernel", 4},
                        {"kda.head_dim", 16},
                        {"attention.head_count", 2},
                        {"attention.head_count_kv", 0},
                        {"attention.kv_lora_rank", 8},
                        {"attention.key_length_mla", 16},
                        {"attention.value_length_mla", 8},
                        {"rope.dimension_count", 8}};
  EXPECT_EQ(load("kimi-linear", good, {}).recurrent.inner, 32);
  expect_refused("kimi-linear", good, {{"kda.head_dim", 0}}, "kimi-linear.kda.head_dim is 0");
  expect_refused("kimi-linear", good, {{"kda.head_dim", 65536}, {"attention.head_count", 1024}},
                 "kimi-linear.kda.head_dim is 65536: 1024 heads of it exceed 2^24");
  expect_refused("kimi-linear", good, {{"attention.head_count", 0}}, "kimi-linear.attention.head_count is 0");
}

TEST(RecurrentConfig, OfRwkv) {
  const Numbers six = {{"wkv.head_size", 8},
                       {"time_mix_extra_dim", 4},
                       {"time_decay_extra_dim", 4},
                       {"feed_forward_length", 48},
                       {"attention.head_count", 0}};
  EXPECT_EQ(load("rwkv6", six, {}).recurrent.heads, 4);
  expect_refused("rwkv6", six, {{"wkv.head_size", 5}},
                 "rwkv6.wkv.head_size is 5, must divide embedding_length 32");
  expect_refused("rwkv6", six, {{"wkv.head_size", 0}}, "rwkv6.wkv.head_size is 0");
  expect_refused("rwkv6", six, {{"time_mix_extra_dim", 0}}, "rwkv6.time_mix_extra_dim is 0");
  expect_refused("rwkv6qwen2", six, {{"attention.head_count_kv", 3}},
                 "rwkv6qwen2.attention.head_count_kv is 3, must divide the 4 heads");
  const Numbers seven = {{"wkv.head_size", 8},
                         {"attention.decay_lora_rank", 4},
                         {"attention.iclr_lora_rank", 4},
                         {"attention.value_residual_mix_lora_rank", 4},
                         {"attention.head_count", 0}};
  EXPECT_EQ(load("rwkv7", seven, {}).rwkv.gate_rank, 0);
  expect_refused("rwkv7", seven, {{"attention.decay_lora_rank", 0}}, "rwkv7.attention.decay_lora_rank is 0");
}

}  // namespace
}  // namespace longhand::test
