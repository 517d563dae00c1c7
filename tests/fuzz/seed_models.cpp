#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "loaders/gguf/gguf.h"
#include "loaders/model/tensors/tensor_list.h"
#include "ops/format.h"
#include "tests/fuzz/seeds.h"
#include "tests/fuzz/small_models.h"
#include "tests/support/gguf_writer.h"

namespace longhand::fuzz {
namespace {

using test::GgufWriter;
using U32 = std::uint32_t;

constexpr U32 kF32 = 0, kQ8_0 = 8, kI32 = 26;

struct Shape : SmallShape {
  U32 type = kQ8_0;                   // of matrices as wide as their blocks
  std::vector<std::string> wishes{};  // optional tensors, see wish_list()
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
  explicit ModelMaker(Shape shape) : s_(std::move(shape)) {}

  GgufWriter make() {
    GgufHead head;
    add_metadata(head, s_);
    w_.entries = head.entries;
    add_spm(w_);
    ModelConfig config = load_config(head);
    config.vocab = 12;
    std::vector<std::string> wishes = s_.wishes;
    if (s_.experts > 0) wishes.emplace_back("ffn_gate_inp.weight");
    for (const ListedTensor& t : list_tensors(config, wish_list(wishes))) {
      if (t.kind == TensorKind::norm) {
        w_.tensor(t.name, t.dims, std::vector<float>(t.dims[0], 1.0f));
      } else if (t.kind == TensorKind::whole) {
        numbers(t.name, t.dims);
      } else if (t.kind == TensorKind::vector || t.role == MatrixRole::small) {
        floats(t.name, t.dims);
      } else {
        matrix(t.name, t.dims);
      }
    }
    return w_;
  }

 private:
  static std::uint64_t count(const std::vector<std::uint64_t>& dims) {
    std::uint64_t n = 1;
    for (const std::uint64_t dim : dims) n *= dim;
    return n;
  }
  void floats(const std::string& name, const std::vector<std::uint64_t>& dims) {
    std::vector<float> values;
    for (std::uint64_t n = count(dims); n > 0; --n) values.push_back(float(int(random_() % 256) - 128) / 512);
    w_.tensor(name, dims, values);
  }
  // Of experts.
  void numbers(const std::string& name, const std::vector<std::uint64_t>& dims) {
    std::string data;
    for (std::uint64_t n = count(dims); n > 0; --n) data += {char(random_() % s_.experts), 0, 0, 0};
    w_.tensor(name, dims, kI32, data);
  }
  // Rows that are no whole number of blocks of the type have another.
  void matrix(const std::string& name, const std::vector<std::uint64_t>& dims) {
    U32 id = s_.type;
    for (const U32 other : {kQ8_0, kF32}) {
      if (dims[0] % known_tensor_type(id)->block_elements != 0) id = other;
    }
    if (id == kF32) return floats(name, dims);
    const TensorTypeInfo& type = *known_tensor_type(id);
    std::string data;
    // Bytes below 0x30 are small numbers as halves, bfloat16 and 8-bit exponents too.
    for (std::size_t n = count(dims) / type.block_elements * type.block_bytes; n > 0; --n)
      data += char(random_() % 0x30);
    w_.tensor(name, dims, id, data);
  }

  Shape s_;
  GgufWriter w_;
  std::minstd_rand random_{1};
};

GgufWriter model_of(Shape shape) { return ModelMaker(std::move(shape)).make(); }

}  // namespace

std::vector<Seed> model_seeds() {
  std::vector<Seed> seeds;
  const auto add = [&](const std::string& name, const GgufWriter& w) {
    seeds.push_back({"model", name, w.build()});
  };
  for (const ArchSpec* arch : all_archs()) {
    const std::string name(arch->name);
    add(name, model_of({{.arch = name, .experts = has_experts(name) ? 4u : 0u}}));
  }
  for (U32 type = 0; type <= 42; ++type) {
    const TensorTypeInfo* info = known_tensor_type(type);
    if (find_format(type) < 0 || type == kQ8_0) continue;
    if (info->block_elements == 256 && info->name != "Q2_K" && info->name != "IQ4_XS" &&
        info->name != "IQ1_S")
      continue;  // large files
    Shape shape{{.arch = "llama"}, type};
    shape.hidden = std::max<U32>(info->block_elements, 32);
    add(fmt::format("type_{}", info->name), model_of(shape));
  }
  add("llama_two_layers", model_of({{.arch = "llama", .kv_heads = 2, .layers = 2}}));
  add("phi3_fused", model_of({{.arch = "phi3"}, kQ8_0, {"attn_qkv.weight", "ffn_up.weight"}}));
  add("gpt_oss_biases", model_of({{.arch = "gpt-oss", .layers = 2, .experts = 4},
                                  kQ8_0,
                                  {"attn_q.bias", "attn_output.bias", "attn_sinks.weight",
                                   "ffn_gate_inp.bias", "ffn_gate_exps.bias", "ffn_down_exps.bias"}}));
  add("qwen2moe_shared", model_of({{.arch = "qwen2moe", .experts = 4},
                                   kQ8_0,
                                   {"attn_q.bias", "ffn_up_shexp.weight", "ffn_gate_inp_shexp.weight"}}));
  add("glm4moe_selection", model_of({{.arch = "glm4moe", .experts = 4},
                                     kQ8_0,
                                     {"exp_probs_b.bias", "ffn_up_shexp.weight", "attn_q_norm.weight"}}));
  add("glm-dsa_indexer",
      model_of({{.arch = "glm-dsa", .experts = 4}, kQ8_0, {"indexer.attn_k.weight", "ffn_up_shexp.weight"}}));
  add("grok_dense", model_of({{.arch = "grok", .experts = 4}, kQ8_0, {"ffn_up.weight"}}));
  add("llama4_layers",
      model_of({{.arch = "llama4", .layers = 4, .experts = 4}, kQ8_0, {"ffn_up_shexp.weight"}}));
  add("qwen3next_old", model_of({{.arch = "qwen3next"}, kQ8_0, {"ssm_in.weight", "ssm_ba.weight"}}));
  add("deepseek2_old", model_of({{.arch = "deepseek2"}, kQ8_0, {"attn_kv_b.weight"}}));
  add("nemotron_h_latent", model_of({{.arch = "nemotron_h_moe", .experts = 4, .latent = 16}}));
  add("rwkv7_gate", model_of({{.arch = "rwkv7"}, kQ8_0, {"time_mix_g1.weight", "token_embd_norm.bias"}}));
  add("rwkv6_bonus", model_of({{.arch = "rwkv6"}, kQ8_0, {"time_mix_first.weight"}}));
  add("jamba_moe", model_of({{.arch = "jamba", .experts = 4}}));
  add("starcoder2_biases",
      model_of({{.arch = "starcoder2"}, kQ8_0, {"attn_q.bias", "attn_norm.bias", "ffn_down.bias"}}));
  add("falcon_two_norms", model_of({{.arch = "falcon"}, kQ8_0, {"attn_norm_2.weight", "attn_norm.bias"}}));
  add("gemma3_windows", model_of({{.arch = "gemma3", .layers = 3}}));
  GgufWriter classifier = model_of({{.arch = "jina-bert-v3"},
                                    kQ8_0,
                                    {"token_types.weight", "cls.weight", "cls.bias", "cls.output.weight"}});
  classifier.add("jina-bert-v3.pooling_type", U32{4});
  add("bert_classifier", classifier);
  GgufWriter layers = model_of({{.arch = "modern-bert", .layers = 2}, kQ8_0, {"attn_qkv.weight"}});
  layers.add("modern-bert.pooling_type", U32{1}).add("modern-bert.hidden_activation", "gelu_new");
  add("modern_bert_layers", layers);
  GgufWriter yarn = model_of({{.arch = "llama"}});
  yarn.add("llama.rope.scaling.type", "yarn").add("llama.rope.scaling.factor", 4.0f);
  yarn.add("llama.rope.scaling.original_context_length", U32{16});
  add("llama_yarn", yarn);
  GgufWriter factors = model_of({{.arch = "phi3"}});
  factors.tensor("rope_factors_long.weight", {8}, std::vector<float>(8, 2.0f));
  factors.tensor("rope_factors_short.weight", {8}, std::vector<float>(8, 1.0f));
  factors.add("phi3.rope.scaling.original_context_length", U32{16});
  add("phi3_longrope", factors);
  GgufWriter window = model_of({{.arch = "llama"}});
  window.add("longhand.attention.memory", "window").add("longhand.attention.window", U32{6});
  window.add("longhand.attention.sinks", U32{2}).add("longhand.attention.scale_rule", "log_n");
  add("llama_window", window);
  GgufWriter codes = model_of({{.arch = "llama"}});
  codes.add("longhand.attention.memory", "vq").add("longhand.attention.window", U32{4});
  codes.add("longhand.attention.key_norm", true).add("longhand.attention.query_norm", true);
  codes.tensor("blk.0.attn_k_codebook.weight", {16, 4, 1}, std::vector<float>(64, 0.25f));
  add("llama_vq", codes);
  GgufWriter features = model_of({{.arch = "llama"}});
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
