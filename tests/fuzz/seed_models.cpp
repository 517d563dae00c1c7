#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "loaders/gguf/gguf.h"
#include "loaders/model/arch.h"
#include "ops/format.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/gguf_writer.h"

namespace longhand::fuzz {
namespace {

using test::GgufWriter;
using U32 = std::uint32_t;

constexpr U32 kF32 = 0, kQ8_0 = 8;

struct Shape {
  std::string arch;
  U32 hidden = 32, heads = 2, kv_heads = 1, head_dim = 16, ff = 32, layers = 1;
  U32 experts = 0;
  U32 type = kQ8_0;    // of matrices as wide as their blocks
  bool fused = false;  // qkv, and gate with up, in one tensor each
};

void add_spm(GgufWriter& w) {
  const std::vector<std::string> tokens = {"<unk>",
                                           "<s>",
                                           "</s>",
                                           "<0x41>",
                                           "\xE2\x96\x81",
                                           "a",
                                           "b",
                                           "ab",
                                           "\xE2\x96\x81"
                                           "a",
                                           "<|im_start|>",
                                           "<|im_end|>",
                                           "!"};
  w.add("tokenizer.ggml.model", "llama");
  w.add_array("tokenizer.ggml.tokens", tokens);
  w.add_array("tokenizer.ggml.scores", std::vector<float>{0, 0, 0, 0, -1, -2, -3, -1, -1, 0, 0, -4});
  w.add_array("tokenizer.ggml.token_type", std::vector<std::int32_t>{2, 3, 3, 6, 1, 1, 1, 1, 1, 3, 3, 1});
}

class ModelMaker {
 public:
  explicit ModelMaker(Shape shape) : s_(std::move(shape)), arch_(*find_arch(s_.arch)) {}

  GgufWriter make() {
    add_keys();
    add_spm(w_);
    matrix("token_embd", s_.hidden, 12);
    norm("output_norm", s_.hidden);
    for (il_ = 0; il_ < s_.layers; ++il_) add_layer();
    return w_;
  }

 private:
  template <class T>
  void key(const char* name, T value) {
    w_.add(s_.arch + "." + name, value);
  }

  void add_keys() {
    w_.add("general.architecture", s_.arch);
    key("context_length", U32{64});
    key("embedding_length", s_.hidden);
    key("block_count", s_.layers);
    key("feed_forward_length", s_.ff);
    key("attention.head_count", s_.heads);
    key("attention.head_count_kv", s_.kv_heads);
    key("attention.key_length", s_.head_dim);
    key("attention.value_length", s_.head_dim);
    key(arch_.norm == Norm::rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", 1e-5f);
    key("rope.dimension_count", s_.head_dim);
    if (arch_.window.period > 0) key("attention.sliding_window", U32{4});
    if (s_.experts > 0) {
      key("expert_count", s_.experts);
      key("expert_used_count", U32{2});
      key("expert_feed_forward_length", s_.ff);
    }
  }

  void add_layer() {
    const U32 q = s_.heads * s_.head_dim, kv = s_.kv_heads * s_.head_dim;
    if (arch_.place != NormPlace::post) norm(in_layer("attn_norm"), s_.hidden);
    if (arch_.place != NormPlace::pre) {
      norm(in_layer("post_attention_norm"), s_.hidden);
      norm(in_layer("post_ffw_norm"), s_.hidden);
    }
    if (arch_.place != NormPlace::post && arch_.residual == Residual::serial)
      norm(in_layer("ffn_norm"), s_.hidden);
    if (arch_.qk_norm == QkNorm::per_head || arch_.qk_norm == QkNorm::full_width) {
      const bool full = arch_.qk_norm == QkNorm::full_width;
      norm(in_layer("attn_q_norm"), full ? q : s_.head_dim);
      norm(in_layer("attn_k_norm"), full ? kv : s_.head_dim);
    }
    if (s_.fused) {
      matrix(in_layer("attn_qkv"), s_.hidden, q + 2 * kv);
    } else {
      matrix(in_layer("attn_q"), s_.hidden, q);
      matrix(in_layer("attn_k"), s_.hidden, kv);
      matrix(in_layer("attn_v"), s_.hidden, kv);
    }
    matrix(in_layer("attn_output"), q, s_.hidden);
    if (s_.experts > 0) return add_experts();
    if (s_.fused)
      return matrix(in_layer("ffn_up"), s_.hidden, 2 * s_.ff), matrix(in_layer("ffn_down"), s_.ff, s_.hidden);
    if (arch_.gated) matrix(in_layer("ffn_gate"), s_.hidden, s_.ff);
    matrix(in_layer("ffn_up"), s_.hidden, s_.ff);
    matrix(in_layer("ffn_down"), s_.ff, s_.hidden);
  }

  void add_experts() {
    floats(in_layer("ffn_gate_inp") + ".weight", {s_.hidden, s_.experts});
    for (const char* name : {"ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"}) {
      matrix(in_layer(name), s_.hidden, s_.ff * s_.experts);
      w_.tensors.back().dims = {s_.hidden, s_.ff, s_.experts};  // ff is as wide as hidden here
    }
  }

  std::string in_layer(std::string_view name) const { return fmt::format("blk.{}.{}", il_, name); }

  void norm(const std::string& name, U32 n) { w_.tensor(name + ".weight", {n}, std::vector<float>(n, 1.0f)); }
  void floats(const std::string& name, const std::vector<std::uint64_t>& dims) {
    std::uint64_t n = 1;
    for (const std::uint64_t dim : dims) n *= dim;
    std::vector<float> values;
    for (; n > 0; --n) values.push_back(float(int(random_() % 256) - 128) / 512);
    w_.tensor(name, dims, values);
  }
  void matrix(const std::string& name, U32 in, U32 out) {
    const TensorTypeInfo& wanted = *known_tensor_type(s_.type);
    const TensorTypeInfo& type = in % wanted.block_elements == 0 ? wanted : *known_tensor_type(kQ8_0);
    const U32 id = &type == &wanted ? s_.type : kQ8_0;
    if (id == kF32) return floats(name + ".weight", {in, out});
    std::string data;
    // Bytes below 0x30 are small numbers as halves, bfloat16 and 8-bit exponents too.
    for (std::size_t n = std::size_t{in} * out / type.block_elements * type.block_bytes; n > 0; --n)
      data += char(random_() % 0x30);
    w_.tensor(name + ".weight", {in, out}, id, data);
  }

  Shape s_;
  const ArchSpec& arch_;
  GgufWriter w_;
  U32 il_ = 0;
  std::minstd_rand random_{1};
};

// Names of a comma-separated list.
std::vector<std::string> split(const std::string& names) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t end = std::min(names.find(", ", at), names.size());
    out.push_back(names.substr(at, end - at));
    at = end + 2;
  }
  return out;
}

GgufWriter model_of(Shape shape) { return ModelMaker(std::move(shape)).make(); }

}  // namespace

std::vector<Seed> model_seeds() {
  std::vector<Seed> seeds;
  const auto add = [&](const std::string& name, const GgufWriter& w) {
    seeds.push_back({"model", name, w.build()});
  };
  for (const std::string& arch : split(known_archs())) {
    Shape shape{.arch = arch};
    if (arch.ends_with("moe")) shape.experts = 4;
    add(arch, model_of(shape));
  }
  for (U32 type = 0; type <= 42; ++type) {
    const TensorTypeInfo* info = known_tensor_type(type);
    if (find_format(type) < 0 || type == kQ8_0) continue;
    if (info->block_elements == 256 && info->name != "Q2_K" && info->name != "IQ4_XS" &&
        info->name != "IQ1_S")
      continue;  // large files
    Shape shape{.arch = "llama", .type = type};
    shape.hidden = std::max<U32>(info->block_elements, 32);
    add(fmt::format("type_{}", info->name), model_of(shape));
  }
  add("llama_two_layers", model_of({.arch = "llama", .kv_heads = 2, .layers = 2}));
  add("phi3_fused", model_of({.arch = "phi3", .fused = true}));
  add("gemma3_windows", model_of({.arch = "gemma3", .layers = 3}));
  GgufWriter yarn = model_of({.arch = "llama"});
  yarn.add("llama.rope.scaling.type", "yarn").add("llama.rope.scaling.factor", 4.0f);
  yarn.add("llama.rope.scaling.original_context_length", U32{16});
  add("llama_yarn", yarn);
  GgufWriter factors = model_of({.arch = "phi3"});
  factors.tensor("rope_factors_long.weight", {8}, std::vector<float>(8, 2.0f));
  factors.tensor("rope_factors_short.weight", {8}, std::vector<float>(8, 1.0f));
  factors.add("phi3.rope.scaling.original_context_length", U32{16});
  add("phi3_longrope", factors);
  GgufWriter window = model_of({.arch = "llama"});
  window.add("longhand.attention.memory", "window").add("longhand.attention.window", U32{6});
  window.add("longhand.attention.sinks", U32{2}).add("longhand.attention.scale_rule", "log_n");
  add("llama_window", window);
  GgufWriter codes = model_of({.arch = "llama"});
  codes.add("longhand.attention.memory", "vq").add("longhand.attention.window", U32{4});
  codes.add("longhand.attention.key_norm", true).add("longhand.attention.query_norm", true);
  codes.tensor("blk.0.attn_k_codebook.weight", {16, 4, 1}, std::vector<float>(64, 0.25f));
  add("llama_vq", codes);
  GgufWriter features = model_of({.arch = "llama"});
  features.add("longhand.attention.memory", "performer").add("longhand.attention.window", U32{4});
  features.tensor("blk.0.attn_k_features.weight", {16, 4, 1}, std::vector<float>(64, 0.25f));
  add("llama_performer", features);
  return seeds;
}

std::vector<Seed> vocab_seeds() {
  std::vector<Seed> seeds;
  const auto add = [&](const std::string& name, GgufWriter w) {
    w.add("general.architecture", "llama");
    seeds.push_back({"vocab", name, w.build()});
  };
  GgufWriter spm;
  add_spm(spm);
  add("spm", spm);
  spm.add("tokenizer.chat_template",
          "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}");
  add("spm_template", spm);
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "smollm", "deepseek-llm", "tekken", "default"}) {
    GgufWriter bpe;
    bpe.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", pre);
    std::vector<std::string> tokens = {"a",
                                       "b",
                                       "ab",
                                       "\xC4\xA0",
                                       "\xC4\xA0"
                                       "ab",
                                       "1",
                                       "<|endoftext|>",
                                       "<|im_end|>",
                                       "H",
                                       "l"};
    bpe.add_array("tokenizer.ggml.tokens", tokens);
    bpe.add_array("tokenizer.ggml.token_type", std::vector<std::int32_t>{1, 1, 1, 1, 1, 1, 3, 3, 1, 4});
    bpe.add_array("tokenizer.ggml.merges", std::vector<std::string>{"a b", "\xC4\xA0 ab"});
    bpe.add("tokenizer.ggml.eos_token_id", U32{6}).add("tokenizer.ggml.add_bos_token", false);
    add(fmt::format("bpe_{}", pre), bpe);
  }
  for (const char* model : {"t5", "bert", "rwkv", "no_vocab", "none"}) {
    GgufWriter w;
    w.add("tokenizer.ggml.model", model);
    w.add_array("tokenizer.ggml.tokens", std::vector<std::string>{"<unk>", "</s>", "<pad>",
                                                                  "\xE2\x96\x81"
                                                                  "a",
                                                                  "a", "b\\n", "[UNK]", "[CLS]", "[SEP]"});
    w.add_array("tokenizer.ggml.scores", std::vector<float>{0, 0, 0, -1, -2, -3, 0, 0, 0});
    w.add_array("tokenizer.ggml.token_type", std::vector<std::int32_t>{2, 3, 3, 1, 1, 1, 2, 3, 3});
    w.add("tokenizer.ggml.unknown_token_id", U32{0}).add("tokenizer.ggml.eos_token_id", U32{1});
    w.add("tokenizer.ggml.bos_token_id", U32{7}).add("tokenizer.ggml.seperator_token_id", U32{8});
    if (model == std::string("t5"))
      w.add_array("tokenizer.ggml.precompiled_charsmap",
                  std::vector<std::uint8_t>{8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 'a', 0});
    add(model, w);
  }
  return seeds;
}

}  // namespace longhand::fuzz
