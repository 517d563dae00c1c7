#include "loaders/model/tensors/tensor_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "loaders/gguf/gguf_writer.h"
#include "loaders/model/tensors/leftover_tensors.h"
#include "loaders/model/weights.h"
#include "ops/error.h"
#include "tests/support/golden.h"

namespace longhand::test {
namespace {

using Dims = std::vector<std::uint64_t>;

Dims dims_of(const TensorInfo& t) {
  Dims dims(t.dims.begin(), t.dims.begin() + t.n_dims);
  while (dims.size() > 1 && dims.back() == 1) dims.pop_back();
  return dims;
}
std::uint64_t count(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::uint64_t{1}, std::multiplies<>());
}

// Files of rerankers and the like name an architecture, but have tensors that no text model has.
bool loads(const Gguf& file, ModelConfig& config) {
  try {
    load_weights(file, config);
    return true;
  } catch (const Error&) { return false; }
}

// Tensors of some files that nothing reads.
bool is_unused(std::string_view name, const ModelConfig& config) {
  static const std::set<std::string_view> unused = {"blk.0.time_mix_v0.weight", "blk.0.time_mix_v1.weight",
                                                    "blk.0.time_mix_v2.weight"};
  if (unused.contains(name)) return true;
  // Layers that read the keys and values of others may have matrices for their own.
  for (std::size_t il = 0; il < config.layers.size(); ++il) {
    const std::string layer = "blk." + std::to_string(il) + ".";
    if (config.layers[il].kv_layer >= 0 &&
        (name.starts_with(layer + "attn_k") || name.starts_with(layer + "attn_v")))
      return true;
  }
  return false;
}

// The list of what the file itself has, which must be all of it and nothing else.
void expect_whole(const Gguf& file, const ModelConfig& config) {
  std::map<std::string, ListedTensor> listed;
  for (const ListedTensor& t :
       list_tensors(config, [&](const std::string& name) { return file.find_tensor(name) != nullptr; })) {
    EXPECT_TRUE(listed.emplace(t.name, t).second) << "twice: " << t.name;
  }
  for (const TensorInfo& t : file.tensors()) {
    if (known_leftover(t.name, int(config.layers.size()), config.skipped_layers)) continue;
    if (is_unused(t.name, config)) continue;
    const auto found = listed.find(std::string(t.name));
    ASSERT_NE(found, listed.end()) << "not listed: " << t.name;
    // Vectors, and factors of rope, may have another shape in a file.
    if (found->second.kind == TensorKind::matrix) {
      EXPECT_EQ(found->second.dims, dims_of(t)) << t.name;
    } else if (!t.name.starts_with("rope_")) {
      EXPECT_EQ(count(found->second.dims), count(dims_of(t))) << t.name;
    }
    listed.erase(found);
  }
  for (const auto& [name, t] : listed) ADD_FAILURE() << "not in the file: " << name;
}

TEST(TensorList, IsThatOfEveryFileOfAKnownArchitecture) {
  const std::string folder = golden("archs");
  LONGHAND_NEED_GOLDEN(folder);
  std::set<std::string_view> seen;
  for (const std::string& name : list_folder(folder)) {
    const std::string path = folder + "/" + name + "/model.gguf";
    if (!std::filesystem::exists(path)) continue;
    const Gguf file = Gguf::open(path);
    const ArchSpec* arch = find_arch(file.architecture());
    if (arch == nullptr) continue;
    SCOPED_TRACE(name);
    ModelConfig config = load_config(file);
    if (!loads(file, config)) continue;
    expect_whole(file, config);
    seen.insert(arch->name);
  }
  RecordProperty("architectures", int(seen.size()));
  EXPECT_GE(seen.size(), 3u);
}

ModelConfig small(std::string_view arch, const std::vector<GgufEntry>& more = {}) {
  GgufHead head;
  const std::string prefix = std::string(arch) + ".";
  head.entries.push_back(gguf_entry("general.architecture", arch));
  const std::map<std::string, std::uint32_t> numbers = {
      {"context_length", 64},       {"embedding_length", 32},     {"block_count", 2},
      {"feed_forward_length", 48},  {"attention.head_count", 4},  {"attention.head_count_kv", 2},
      {"attention.key_length", 16}, {"attention.value_length", 8}};
  for (const auto& [name, value] : numbers) head.entries.push_back(gguf_entry(prefix + name, value));
  head.entries.push_back(gguf_entry(prefix + "attention.layer_norm_rms_epsilon", 1e-5f));
  head.entries.push_back(gguf_entry(prefix + "attention.layer_norm_epsilon", 1e-5f));
  for (const GgufEntry& entry : more) head.entries.push_back(entry);
  ModelConfig config = load_config(head);
  config.vocab = 100;
  return config;
}

const ListedTensor* find(const std::vector<ListedTensor>& list, std::string_view name) {
  const auto found = std::ranges::find(list, name, &ListedTensor::name);
  return found == list.end() ? nullptr : &*found;
}

TEST(TensorList, WithoutWishesHasWhatMustBeThere) {
  const auto list = list_tensors(small("llama"), wish_list({}));
  std::vector<std::string> names;
  for (const ListedTensor& t : list) {
    if (t.layer != 1) names.push_back(t.name);
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre(
                         "token_embd.weight", "output_norm.weight", "blk.0.attn_norm.weight",
                         "blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight",
                         "blk.0.attn_output.weight", "blk.0.ffn_norm.weight", "blk.0.ffn_gate.weight",
                         "blk.0.ffn_up.weight", "blk.0.ffn_down.weight"));
  EXPECT_EQ(list.size(), 2u + 2 * 9);
  const ListedTensor& value = *find(list, "blk.1.attn_v.weight");
  EXPECT_EQ(value.dims, (Dims{32, 16}));
  EXPECT_EQ(value.role, MatrixRole::attn_v);
  EXPECT_EQ(value.layer, 1);
  EXPECT_EQ(find(list, "blk.1.attn_output.weight")->dims, (Dims{32, 32}));
  EXPECT_EQ(find(list, "token_embd.weight")->dims, (Dims{32, 100}));
  EXPECT_EQ(find(list, "token_embd.weight")->role, MatrixRole::embedding);
  EXPECT_EQ(find(list, "output_norm.weight")->kind, TensorKind::norm);
}

TEST(TensorList, HasWhatIsWishedInEveryLayer) {
  const auto list =
      list_tensors(small("starcoder2"), wish_list({"output.weight", "attn_q.bias", "attn_norm.bias", "x"}));
  EXPECT_EQ(find(list, "output.weight")->role, MatrixRole::head);
  for (const char* name : {"blk.0.attn_q.bias", "blk.1.attn_q.bias"}) {
    ASSERT_NE(find(list, name), nullptr) << name;
    EXPECT_EQ(find(list, name)->kind, TensorKind::vector);
    EXPECT_EQ(find(list, name)->dims, (Dims{64}));
  }
  EXPECT_NE(find(list, "blk.1.attn_norm.bias"), nullptr);
  EXPECT_EQ(find(list, "blk.1.ffn_norm.bias"), nullptr);
}

TEST(TensorList, FusedMatricesTakeThePlaceOfTheirParts) {
  const auto list = list_tensors(small("phi3"), wish_list({"attn_qkv.weight", "ffn_up.weight"}));
  EXPECT_EQ(find(list, "blk.0.attn_qkv.weight")->dims, (Dims{32, 64 + 32 + 16}));
  EXPECT_EQ(find(list, "blk.0.ffn_up.weight")->dims, (Dims{32, 96}));
  for (const char* name : {"blk.0.attn_q.weight", "blk.0.attn_v.weight", "blk.0.ffn_gate.weight"})
    EXPECT_EQ(find(list, name), nullptr) << name;
}

TEST(TensorList, ExpertsAreOneTensorOrOneEach) {
  const auto config = small("llama", {gguf_entry("llama.expert_count", std::uint32_t{3}),
                                      gguf_entry("llama.expert_used_count", std::uint32_t{2})});
  EXPECT_NE(find(list_tensors(config, wish_list({})), "blk.0.ffn_up.weight"), nullptr);
  const auto together =
      list_tensors(config, wish_list({"ffn_gate_inp.weight", "ffn_up_exps.bias", "ffn_down_exps.scale"}));
  EXPECT_EQ(find(together, "blk.1.ffn_down_exps.weight")->dims, (Dims{48, 32, 3}));
  EXPECT_EQ(find(together, "blk.1.ffn_up_exps.bias")->dims, (Dims{48, 3}));
  EXPECT_EQ(find(together, "blk.1.ffn_down_exps.scale")->dims, (Dims{3}));
  EXPECT_EQ(find(together, "blk.1.ffn_gate_inp.weight")->role, MatrixRole::small);
  EXPECT_EQ(find(together, "blk.0.ffn_up.weight"), nullptr);
  const auto apart = list_tensors(config, wish_list({"ffn_gate_inp.weight", "ffn_down.0.weight"}));
  EXPECT_EQ(find(apart, "blk.0.ffn_down_exps.weight"), nullptr);
  EXPECT_EQ(find(apart, "blk.0.ffn_down.2.weight")->dims, (Dims{48, 32}));
  EXPECT_EQ(find(apart, "blk.0.ffn_down.3.weight"), nullptr);
}

}  // namespace
}  // namespace longhand::test
