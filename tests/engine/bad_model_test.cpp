// Files that are well-formed GGUF but no right model: each is refused with a message that names what is
// wrong, and the same process goes on to run a good one.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/longhand.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

using test::GgufWriter;

struct Bad {
  const char* name;
  std::function<void(GgufWriter&)> spoil;
  Errc code;
  const char* says;  // part of the message
};

template <class T>
std::function<void(GgufWriter&)> set(const char* key, T value) {
  return [=](GgufWriter& w) {
    std::erase_if(w.entries, [&](const auto& e) { return e.key == key; });
    w.add(key, value);
  };
}
std::function<void(GgufWriter&)> drop_key(const char* key) {
  return [=](GgufWriter& w) { std::erase_if(w.entries, [&](const auto& e) { return e.key == key; }); };
}
std::function<void(GgufWriter&)> drop_tensor(const char* name) {
  return [=](GgufWriter& w) { std::erase_if(w.tensors, [&](const auto& t) { return t.name == name; }); };
}
std::function<void(GgufWriter&)> reshape(const char* name, std::vector<std::uint64_t> dims) {
  return [=](GgufWriter& w) {
    auto& t = test::tensor(w, name);
    t.dims = dims;
    std::uint64_t n = 1;
    for (const auto d : dims) n *= d;
    t.data.resize(t.type == 0 ? n * 4 : n / 32 * 34);
  };
}
std::function<void(GgufWriter&)> rename(const char* name, const char* to) {
  return [=](GgufWriter& w) { test::tensor(w, name).name = to; };
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                kInfinity = std::numeric_limits<float>::infinity();
using U32 = std::uint32_t;

const Bad kBad[] = {
    {"diffusion model", set("general.architecture", "dream"), Errc::unsupported,
     "'dream' is known, but not run"},
    {"newer architecture", set("general.architecture", "qwen4exp"), Errc::unsupported, "n-gram table"},
    {"unknown architecture", set("general.architecture", "warp9"), Errc::unsupported, "warp9"},
    {"no architecture", drop_key("general.architecture"), Errc::missing, "general.architecture"},
    {"no width", drop_key("llama.embedding_length"), Errc::missing, "llama.embedding_length"},
    {"no layers", drop_key("llama.block_count"), Errc::missing, "llama.block_count"},
    {"zero layers", set("llama.block_count", U32{0}), Errc::range, "llama.block_count"},
    {"one layer too many", set("llama.block_count", U32{3}), Errc::missing, "blk.2."},
    {"one layer too few", set("llama.block_count", U32{1}), Errc::unsupported, "blk.1."},
    {"absurd layers", set("llama.block_count", U32{4294967295}), Errc::range, "llama.block_count"},
    {"zero heads", set("llama.attention.head_count", U32{0}), Errc::range, "head_count"},
    {"heads that do not divide", set("llama.attention.head_count", U32{5}), Errc::range, "head_count"},
    {"more heads than width", set("llama.attention.head_count", U32{64}), Errc::range, "head_count"},
    {"kv heads that do not divide", set("llama.attention.head_count_kv", U32{3}), Errc::range,
     "head_count_kv"},
    {"zero kv heads", set("llama.attention.head_count_kv", U32{0}), Errc::range, "head_count_kv"},
    {"kv heads above heads", set("llama.attention.head_count_kv", U32{8}), Errc::range, "head_count_kv"},
    {"zero width", set("llama.embedding_length", U32{0}), Errc::range, "embedding_length"},
    {"wrong width", set("llama.embedding_length", U32{64}), Errc::shape, "token_embd.weight"},
    {"width as text", set("llama.embedding_length", "32"), Errc::type, "embedding_length"},
    {"wrong ff", set("llama.feed_forward_length", U32{65}), Errc::shape, "ffn_gate.weight"},
    {"zero ff", set("llama.feed_forward_length", U32{0}), Errc::shape, "ffn_gate.weight"},
    {"zero context", set("llama.context_length", U32{0}), Errc::range, "context_length"},
    {"NaN epsilon", set("llama.attention.layer_norm_rms_epsilon", kNan), Errc::range, "epsilon"},
    {"negative epsilon", set("llama.attention.layer_norm_rms_epsilon", -1.0f), Errc::range, "epsilon"},
    {"no epsilon", drop_key("llama.attention.layer_norm_rms_epsilon"), Errc::missing, "epsilon"},
    {"infinite rope base", set("llama.rope.freq_base", kInfinity), Errc::range, "freq_base"},
    {"zero rope base", set("llama.rope.freq_base", 0.0f), Errc::range, "freq_base"},
    {"odd rope dimensions", set("llama.rope.dimension_count", U32{7}), Errc::range, "dimension_count"},
    {"rope beyond the head", set("llama.rope.dimension_count", U32{10}), Errc::range, "dimension_count"},
    {"unknown rope scaling", set("llama.rope.scaling.type", "spiral"), Errc::unsupported, "spiral"},
    {"clamped queries", set("llama.attention.clamp_kqv", -8.0f), Errc::range, "clamp_kqv"},
    {"positions as biases", set("llama.attention.max_alibi_bias", U32{2000}), Errc::range, "max_alibi_bias"},
    {"short per-layer array",
     [](GgufWriter& w) {
       drop_key("llama.attention.head_count")(w);
       w.add("llama.block_count_", U32{0});
       w.add_array("llama.attention.head_count", std::vector<U32>{});
     },
     Errc::range, "head_count"},
    {"experts used without experts", set("llama.expert_used_count", U32{2}), Errc::range,
     "expert_used_count"},
    {"more experts used than there are",
     [](GgufWriter& w) {
       set("llama.expert_count", U32{4})(w);
       set("llama.expert_used_count", U32{5})(w);
     },
     Errc::range, "expert_used_count"},
    {"no embedding", drop_tensor("token_embd.weight"), Errc::missing, "token_embd.weight"},
    {"no norm", drop_tensor("blk.1.attn_norm.weight"), Errc::missing, "blk.1.attn_norm.weight"},
    {"no query", drop_tensor("blk.0.attn_q.weight"), Errc::missing, "blk.0.attn_q.weight"},
    {"no down", drop_tensor("blk.1.ffn_down.weight"), Errc::missing, "blk.1.ffn_down.weight"},
    {"renamed tensor", rename("blk.0.ffn_up.weight", "blk.0.ffn_upp.weight"), Errc::missing,
     "blk.0.ffn_up.weight"},
    {"transposed matrix", reshape("blk.0.ffn_down.weight", {32, 64}), Errc::shape, "64 x 32"},
    {"one row more", reshape("blk.0.attn_k.weight", {32, 17}), Errc::shape, "attn_k.weight"},
    {"one row less", reshape("blk.0.attn_v.weight", {32, 15}), Errc::shape, "attn_v.weight"},
    {"third dimension", reshape("blk.0.attn_q.weight", {32, 32, 2}), Errc::shape, "attn_q.weight"},
    {"long norm", reshape("output_norm.weight", {33}), Errc::shape, "output_norm.weight"},
    {"embedding too narrow", reshape("token_embd.weight", {64, 300}), Errc::shape, "token_embd.weight"},
    {"fewer rows than tokens", reshape("token_embd.weight", {32, 299}), Errc::mismatch, "299"},
    {"unused tensor", [](GgufWriter& w) { w.tensor("blk.0.mystery.weight", {4}, std::vector<float>(4)); },
     Errc::unsupported, "mystery"},
    {"unsupported tensor type",
     [](GgufWriter& w) {
       auto& t = test::tensor(w, "blk.0.attn_q.weight");
       t.type = 26;  // I32
       t.data.assign(32 * 32 * 4, '\0');
     },
     Errc::unsupported, "attn_q.weight"},
    {"zero rope factor",
     [](GgufWriter& w) {
       w.tensor("rope_factors_long.weight", {4}, {1, 1, 0, 1});
     },
     Errc::range, "rope_factors_long"},
    {"norm with a bias",
     [](GgufWriter& w) { w.tensor("blk.0.attn_norm.bias", {32}, std::vector<float>(32)); }, Errc::unsupported,
     "attn_norm.bias"},
    {"endless rope factors",
     [](GgufWriter& w) { w.tensor("rope_freqs.weight", {100000}, std::vector<float>(100000, 1.0f)); },
     Errc::shape, "rope_freqs"},
    {"short rope factors",
     [](GgufWriter& w) {
       w.tensor("rope_factors_short.weight", {3}, {1, 1, 1});
     },
     Errc::shape, "rope_factors_short"},
};

class BadModel : public testing::TestWithParam<Bad> {
 protected:
  test::TempDir folder;
};

TEST_P(BadModel, IsRefusedWithItsReason) {
  const std::string path = folder.file("bad.gguf"), good = folder.file("good.gguf");
  GgufWriter writer = test::tiny_llama();
  GetParam().spoil(writer);
  writer.write(path);
  try {
    Model::load(path);
    FAIL() << "was loaded";
  } catch (const Error& e) {
    EXPECT_EQ(errc_name(e.code()), errc_name(GetParam().code)) << e.what();
    const std::string message = e.what();
    EXPECT_NE(message.find(GetParam().says), std::string::npos) << message;
    EXPECT_NE(message.find("bad.gguf"), std::string::npos) << message;
    EXPECT_LE(message.size(), 500u);
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
  test::tiny_llama().write(good);
  const Model model = Model::load(good);
  Session session(model);
  EXPECT_TRUE(std::isfinite(session.feed(std::vector<Token>{1, 2, 3})[0]));
}

INSTANTIATE_TEST_SUITE_P(Files, BadModel, testing::ValuesIn(kBad), [](const auto& info) {
  std::string name = info.param.name;
  for (char& c : name) {
    if (!isalnum(std::uint8_t(c))) c = '_';
  }
  return name;
});

TEST(ZeroedKeys, WhatChangesScoresMayBeSwitchedOff) {
  test::TempDir folder;
  GgufWriter writer = test::tiny_llama();
  set("llama.attention.clamp_kqv", 0.0f)(writer);
  set("llama.attention.max_alibi_bias", U32{0})(writer);
  writer.write(folder.file("off.gguf"));
  EXPECT_NO_THROW(Model::load(folder.file("off.gguf")));
}

// Weights that are no numbers load; whoever asks for a token learns of it, and the session goes on.
TEST(BrokenWeights, GiveAnErrorInsteadOfAToken) {
  test::TempDir folder;
  for (const char* name : {"token_embd.weight", "blk.0.attn_k.weight", "blk.1.ffn_down.weight"}) {
    GgufWriter writer = test::tiny_llama();
    auto& t = test::tensor(writer, name);
    for (std::size_t block = 0; block < t.data.size(); block += 34)
      t.data.replace(block, 2, "\xFF\x7F", 2);  // NaN scales
    writer.write(folder.file("nan.gguf"));
    const Model model = Model::load(folder.file("nan.gguf"));
    Session session(model);
    Sampler sampler(model);
    const auto logits = session.feed(std::vector<Token>{1, 2, 3});
    try {
      sampler.pick(logits);
      ADD_FAILURE() << name;
    } catch (const Error& e) { EXPECT_EQ(e.code(), Errc::nonfinite) << name; }
    EXPECT_EQ(session.size(), 3);
  }
}

}  // namespace
}  // namespace longhand
