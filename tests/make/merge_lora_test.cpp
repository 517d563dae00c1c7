// Merged files hold what is computed with adapters beside the model.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "engine/longhand.h"
#include "engine/longhand_merge.h"
#include "loaders/gguf/gguf.h"
#include "tests/support/error_code.h"
#include "tests/support/golden_model.h"
#include "tests/support/lora.h"
#include "tests/support/process.h"
#include "tests/support/random_model.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

using testing::HasSubstr;

std::vector<float> all_logits(const Model& model, const std::vector<AdapterUse>& uses = {}) {
  SessionOptions o;
  o.context = 64;
  o.threads = 1;
  o.key_cache = o.value_cache = CacheType::f32;
  o.adapters = uses;
  Session session(model, o);
  std::vector<float> all;
  session.feed(test::some_tokens(20),
               [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  return all;
}

std::string type_name(const Gguf& file, const std::string& tensor) {
  return std::string(known_tensor_type(file.find_tensor(tensor)->type_id)->name);
}

class MergedModel : public test::GoldenModel {};

TEST_P(MergedModel, ComputesWhatAdaptersBesideItDo) {
  const test::TempDir dir;
  const std::string base = test::golden(std::string("archs/") + GetParam()) + "/model.gguf";
  test::random_lora(model(), {.rank = 5}).write(dir.file("a.gguf"));
  test::random_lora(model(), {.rank = 17, .alpha = 0, .seed = 3}).write(dir.file("b.gguf"));
  const ScaledAdapter adapters[] = {{dir.file("a.gguf"), 0.5f}, {dir.file("b.gguf"), -0.05f}};
  merge_lora(base, adapters, dir.file("out.gguf"));
  const auto beside = all_logits(model(), {{Adapter::load(model(), dir.file("a.gguf")), 0.5f},
                                           {Adapter::load(model(), dir.file("b.gguf")), -0.05f}});
  EXPECT_LT(test::nmse(all_logits(Model::load(dir.file("out.gguf"))), beside), 1e-10);
  // All else is as it was.
  const Gguf from = Gguf::open(base), to = Gguf::open(dir.file("out.gguf"));
  ASSERT_EQ(to.metadata().size(), from.metadata().size());
  ASSERT_EQ(to.tensors().size(), from.tensors().size());
  for (std::size_t i = 0; i < from.tensors().size(); ++i) {
    EXPECT_EQ(to.tensors()[i].name, from.tensors()[i].name);
    EXPECT_EQ(to.tensors()[i].type_id, from.tensors()[i].type_id);
    if (from.tensors()[i].n_dims == 1) {
      EXPECT_TRUE(std::ranges::equal(to.tensors()[i].data, from.tensors()[i].data));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, MergedModel,
                         testing::Values("llama", "qwen3", "qwen3moe", "deepseek2", "minicpm3", "phi3",
                                         "qwen35"),
                         test::name_of_arch);

class MergeLora : public testing::Test {
 protected:
  void SetUp() override {
    test::tiny_llama().write(base_);  // of Q8_0 matrices
    const Model model = Model::load(base_);
    test::random_lora(model,
                      {.rank = 4, .wanted = [](const std::string& n) { return n != "blk.1.ffn_up.weight"; }})
        .write(adapter_);
  }
  test::TempDir dir_;
  std::string base_ = dir_.file("base.gguf"), adapter_ = dir_.file("a.gguf"), out_ = dir_.file("out.gguf");
  const ScaledAdapter adapters_[1] = {{adapter_}};
};

TEST_F(MergeLora, KeepsTypesOrTakesAnother) {
  const Model model = Model::load(base_);
  const auto want = all_logits(model, {{Adapter::load(model, adapter_)}});
  const double apart = test::nmse(all_logits(model), want);
  const auto merged_to = [&](const std::string& type, const std::string& expected, double near) {
    merge_lora(base_, adapters_, out_, {.type = type});
    const Gguf file = Gguf::open(out_);
    EXPECT_EQ(type_name(file, "blk.0.attn_q.weight"), expected);
    EXPECT_EQ(type_name(file, "blk.1.ffn_up.weight"), "Q8_0");
    EXPECT_LT(test::nmse(all_logits(Model::load(out_)), want), near) << type << ", without: " << apart;
  };
  merged_to("", "Q8_0", 2e-3);
  // The model itself rounds what its Q8_0 matrices are multiplied with.
  merged_to("f32", "F32", 2e-3);
  merged_to("F16", "F16", 2e-3);
  merged_to("bf16", "BF16", 5e-3);
  EXPECT_GT(apart, 1e-2);
  test::tiny_llama().add("general.file_type", std::uint32_t{7}).write(base_);
  merge_lora(base_, adapters_, out_, {.type = "f16"});
  EXPECT_EQ(Gguf::open(out_).get_int(key::file_type), 1);
}

TEST_F(MergeLora, LeavesNothingBehindWhereItFails) {
  const auto fails = [&](const std::string& out, const MergeOptions& options, Errc code,
                         const char* message) {
    std::string said;
    EXPECT_EQ(test::code_of([&] { merge_lora(base_, adapters_, out, options); }, &said), code) << said;
    EXPECT_THAT(said, HasSubstr(message));
  };
  fails(base_, {}, Errc::range, "overwritten");
  fails(adapter_, {}, Errc::range, "overwritten");
  fails(out_, {.type = "Q9_X"}, Errc::unsupported, "Q9_X");
  fails(out_, {.progress = [](float) { return false; }}, Errc::cancelled, "cancelled");
  const ScaledAdapter missing[] = {{dir_.file("none.gguf")}};
  EXPECT_EQ(test::code_of([&] { merge_lora(base_, missing, out_); }), Errc::io);
  test::random_lora("llama", {{"blk.0.attn_q.weight", 16, 32}}, {}).write(adapter_);
  fails(out_, {}, Errc::shape, "must be 32 x 3");
  test::random_lora("llama", {{"blk.9.attn_q.weight", 32, 32}}, {}).write(adapter_);
  fails(out_, {}, Errc::missing, "blk.9.attn_q.weight");
  test::random_lora("qwen3", {{"blk.0.attn_q.weight", 32, 32}}, {}).write(adapter_);
  fails(out_, {}, Errc::mismatch, "qwen3");
  test::random_lora("llama", {{"blk.0.attn_norm.weight", 32, 1}}, {}).write(adapter_);
  fails(out_, {}, Errc::unsupported, "blk.0.attn_norm.weight");
  test::random_lora("llama", {{"blk.0.attn_q.weight", 32, 32}}, {.alpha = 1e9f}).write(adapter_);
  const ScaledAdapter vast[] = {{adapter_, std::numeric_limits<float>::max()}};
  std::string said;
  EXPECT_EQ(test::code_of([&] { merge_lora(base_, vast, out_, {.type = "f32"}); }, &said), Errc::range);
  EXPECT_THAT(said, HasSubstr("blk.0.attn_q.weight"));
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_.path()), {}), 2);
}

TEST_F(MergeLora, RefusesFactorsThatNothingCanBeDividedBy) {
  for (const float factor : {0.0f, std::numeric_limits<float>::infinity()}) {
    test::tiny_llama().tensor("blk.0.attn_q.scale", {1}, std::vector<float>{factor}).write(base_);
    std::string said;
    EXPECT_EQ(test::code_of([&] { merge_lora(base_, adapters_, out_); }, &said), Errc::range);
    EXPECT_THAT(said, HasSubstr("blk.0.attn_q.scale"));
  }
}

TEST_F(MergeLora, IsAVerb) {
  const auto result = test::run_process({LONGHAND_PROGRAM, "merge-lora", base_, adapter_ + ":0.5",
                                         adapter_ + ":0.5", out_, "--outtype", "f16"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("tensors changed"));
  const Model model = Model::load(base_);
  EXPECT_LT(test::nmse(all_logits(Model::load(out_)), all_logits(model, {{Adapter::load(model, adapter_)}})),
            2e-3);
  EXPECT_EQ(test::run_process({LONGHAND_PROGRAM, "merge-lora", base_, out_}).status, 2);
}

}  // namespace
}  // namespace longhand
