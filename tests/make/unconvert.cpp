#include "tests/make/unconvert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>

#include "ops/format.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using Names = std::map<std::string, std::string>;

const Names kNames = {{"token_embd", "embed_tokens"},
                      {"output_norm", "norm"},
                      {"token_embd_norm", "embedding_norm"},
                      {"per_layer_token_embd", "embed_tokens_per_layer"},
                      {"per_layer_model_proj", "per_layer_model_projection"},
                      {"per_layer_proj_norm", "per_layer_projection_norm"},
                      {"attn_norm", "input_layernorm"},
                      {"attn_q", "self_attn.q_proj"},
                      {"attn_k", "self_attn.k_proj"},
                      {"attn_v", "self_attn.v_proj"},
                      {"attn_qkv", "self_attn.qkv_proj"},
                      {"attn_output", "self_attn.o_proj"},
                      {"attn_q_norm", "self_attn.q_norm"},
                      {"attn_k_norm", "self_attn.k_norm"},
                      {"attn_q_a", "self_attn.q_a_proj"},
                      {"attn_q_a_norm", "self_attn.q_a_layernorm"},
                      {"attn_q_b", "self_attn.q_b_proj"},
                      {"attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"},
                      {"attn_kv_a_norm", "self_attn.kv_a_layernorm"},
                      {"ffn_norm", "post_attention_layernorm"},
                      {"ffn_gate", "mlp.gate_proj"},
                      {"ffn_up", "mlp.up_proj"},
                      {"ffn_down", "mlp.down_proj"},
                      {"ffn_gate_inp", "mlp.gate"},
                      {"ffn_gate_exps", "mlp.experts.*.gate_proj"},
                      {"ffn_up_exps", "mlp.experts.*.up_proj"},
                      {"ffn_down_exps", "mlp.experts.*.down_proj"},
                      {"ffn_gate_inp_shexp", "mlp.shared_expert_gate"},
                      {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
                      {"ffn_up_shexp", "mlp.shared_expert.up_proj"},
                      {"ffn_down_shexp", "mlp.shared_expert.down_proj"},
                      {"ssm_norm", "linear_attn.norm"},
                      {"ssm_ba", "linear_attn.in_proj_ba"},
                      {"ssm_alpha", "linear_attn.in_proj_a"},
                      {"ssm_beta", "linear_attn.in_proj_b"},
                      {"ssm_out", "linear_attn.out_proj"},
                      {"ssm_conv1d", "linear_attn.conv1d"}};

const Names kSandwich = {{"post_attention_norm", "post_attention_layernorm"},
                         {"ffn_norm", "pre_feedforward_layernorm"},
                         {"post_ffw_norm", "post_feedforward_layernorm"}};
const Names kPostAttention = {{"post_attention_norm", "post_attention_layernorm"}};
const Names kShared = {{"ffn_gate_shexp", "mlp.shared_experts.gate_proj"},
                       {"ffn_up_shexp", "mlp.shared_experts.up_proj"},
                       {"ffn_down_shexp", "mlp.shared_experts.down_proj"}};
const Names kGlmMoe = {{"post_attention_norm", "post_attention_layernorm"},
                       {"ffn_gate_shexp", "mlp.shared_experts.gate_proj"},
                       {"ffn_up_shexp", "mlp.shared_experts.up_proj"},
                       {"ffn_down_shexp", "mlp.shared_experts.down_proj"}};

/// Names and the class of an architecture, and what its code does otherwise.
struct Origin {
  std::string model_class;
  Names names = {};         // before kNames
  bool neighbours = false;  // rotated pairs are neighbours in GGUF, halves of a head at its origin
  bool norms_add_one = false;
  std::string norm_not_added = {};
};

const std::map<std::string, Origin> kOrigins = {
    {"llama",
     {"LlamaForCausalLM",
      {{"ffn_gate_inp", "block_sparse_moe.gate"},
       {"ffn_gate_exps", "block_sparse_moe.experts.*.w1"},
       {"ffn_down_exps", "block_sparse_moe.experts.*.w2"},
       {"ffn_up_exps", "block_sparse_moe.experts.*.w3"}},
      true}},
    {"mistral3", {"Ministral3ForCausalLM", {}, true}},
    {"smollm3", {"SmolLM3ForCausalLM", {}, true}},
    {"olmo", {"OlmoForCausalLM", {}, true}},
    {"granite", {"GraniteForCausalLM", {}, true}},
    {"granitemoe",
     {"GraniteMoeForCausalLM",
      {{"ffn_gate_inp", "block_sparse_moe.router.layer"},
       {"ffn_down_exps", "block_sparse_moe.output_linear"}},
      true}},
    {"qwen2", {"Qwen2ForCausalLM"}},
    {"qwen2moe", {"Qwen2MoeForCausalLM"}},
    {"qwen3", {"Qwen3ForCausalLM"}},
    {"qwen3moe", {"Qwen3MoeForCausalLM"}},
    {"qwen3next", {"Qwen3NextForCausalLM", kPostAttention, false, true, "ssm_norm"}},
    {"qwen35", {"Qwen3_5ForCausalLM", kPostAttention, false, true, "ssm_norm"}},
    {"qwen35moe", {"Qwen3_5MoeForConditionalGeneration", kPostAttention, false, true, "ssm_norm"}},
    {"gemma", {"GemmaForCausalLM", {}, false, true}},
    {"gemma2", {"Gemma2ForCausalLM", kSandwich, false, true}},
    {"gemma3", {"Gemma3ForCausalLM", kSandwich, false, true}},
    {"gemma4",
     {"Gemma4ForCausalLM",
      {{"post_attention_norm", "post_attention_layernorm"},
       {"ffn_norm", "pre_feedforward_layernorm"},
       {"post_ffw_norm", "post_feedforward_layernorm"},
       {"pre_ffw_norm_2", "pre_feedforward_layernorm_2"},
       {"post_ffw_norm_1", "post_feedforward_layernorm_1"},
       {"post_ffw_norm_2", "post_feedforward_layernorm_2"},
       {"ffn_gate_inp", "router.proj"},
       {"inp_gate", "per_layer_input_gate"},
       {"proj", "per_layer_projection"},
       {"post_norm", "post_per_layer_input_norm"}}}},
    {"phi3", {"Phi3ForCausalLM", {{"ffn_up", "mlp.gate_up_proj"}}}},
    {"gpt-oss",
     {"GptOssForCausalLM",
      {{"post_attention_norm", "post_attention_layernorm"}, {"ffn_gate_inp", "mlp.router"}}}},
    {"lfm2",
     {"Lfm2ForCausalLM",
      {{"attn_norm", "operator_norm"},
       {"ffn_norm", "ffn_norm"},
       {"attn_output", "self_attn.out_proj"},
       {"attn_q_norm", "self_attn.q_layernorm"},
       {"attn_k_norm", "self_attn.k_layernorm"},
       {"shortconv.conv", "conv.conv"},
       {"shortconv.in_proj", "conv.in_proj"},
       {"shortconv.out_proj", "conv.out_proj"},
       {"ffn_gate", "feed_forward.w1"},
       {"ffn_down", "feed_forward.w2"},
       {"ffn_up", "feed_forward.w3"},
       {"ffn_gate_inp", "feed_forward.gate"},
       {"ffn_gate_exps", "feed_forward.experts.*.w1"},
       {"ffn_down_exps", "feed_forward.experts.*.w2"},
       {"ffn_up_exps", "feed_forward.experts.*.w3"}}}},
    {"olmo2",
     {"Olmo2ForCausalLM",
      {{"post_attention_norm", "post_attention_layernorm"},
       {"post_ffw_norm", "post_feedforward_layernorm"}}}},
    {"olmoe", {"OlmoeForCausalLM"}},
    {"deepseek2", {"DeepseekV3ForCausalLM", kShared}},
    {"glm4",
     {"Glm4ForCausalLM",
      {{"post_attention_norm", "post_self_attn_layernorm"},
       {"post_ffw_norm", "post_mlp_layernorm"},
       {"ffn_up", "mlp.gate_up_proj"}}}},
    {"glm4moe", {"Glm4MoeForCausalLM", kGlmMoe}},
};

/// A matrix per index before the last two.
struct Array {
  std::vector<std::uint64_t> shape;
  std::vector<float> values;
  std::size_t cols() const { return std::size_t(shape.back()); }
  std::size_t rows() const { return values.size() / cols(); }
};

Array array_of(const TensorInfo& tensor) {
  Array array;
  for (int i = tensor.n_dims - 1; i >= 0; --i) array.shape.push_back(tensor.dims[std::size_t(i)]);
  std::size_t count = 1;
  for (const std::uint64_t dim : array.shape) count *= std::size_t(dim);
  array.values.resize(count);
  const FormatId format = FormatId(find_format(tensor.type_id));
  decode_blocks(format, tensor.data.data(), std::int64_t(count) / format_info(format).block_elements,
                array.values.data());
  return array;
}

// Moves output i of `array` to place to(i).
Array outputs_moved(const Array& array, const std::function<std::size_t(std::size_t)>& to) {
  Array moved = array;
  const std::size_t width = array.shape.size() == 1 ? 1 : array.cols(), count = array.values.size() / width;
  for (std::size_t i = 0; i < count; ++i)
    std::copy_n(array.values.begin() + std::ptrdiff_t(i * width), width,
                moved.values.begin() + std::ptrdiff_t(to(i) * width));
  return moved;
}

Array rows_of(const Array& array, std::size_t first, std::size_t count) {
  const auto begin = array.values.begin() + std::ptrdiff_t(first * array.cols());
  return {{count, array.cols()}, {begin, begin + std::ptrdiff_t(count * array.cols())}};
}

Array transposed(const Array& matrix) {
  Array turned{{matrix.cols(), matrix.rows()}, std::vector<float>(matrix.values.size())};
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    for (std::size_t c = 0; c < matrix.cols(); ++c)
      turned.values[c * matrix.rows() + r] = matrix.values[r * matrix.cols() + c];
  }
  return turned;
}

Array slice(const Array& array, std::size_t matrix) {
  const std::size_t height = std::size_t(array.shape[array.shape.size() - 2]);
  return rows_of(array, matrix * height, height);
}

/// Reads metadata without the library's own rules.
class Keys {
 public:
  explicit Keys(const Gguf& file) : file_(file), arch_(file.architecture()) {}
  const MetaEntry* find(const std::string& key) const { return file_.find(arch_ + "." + key); }
  double number(const std::string& key, double otherwise = 0) const {
    const MetaEntry* entry = find(key);
    return entry ? value(*entry, 0) : otherwise;
  }
  std::vector<double> numbers(const std::string& key) const {
    std::vector<double> list;
    if (const MetaEntry* entry = find(key)) {
      for (std::uint64_t i = 0; i < entry->count; ++i) list.push_back(value(*entry, std::size_t(i)));
    }
    return list;
  }
  std::string text(const std::string& key) const {
    const MetaEntry* entry = find(key);
    return entry ? std::string(reinterpret_cast<const char*>(entry->data.data()) + 8, entry->data.size() - 8)
                 : "";
  }

 private:
  static double value(const MetaEntry& entry, std::size_t at) {
    const ValueType type = entry.type == ValueType::array ? entry.element : entry.type;
    const auto read = [&]<class T>(T value) {
      std::memcpy(&value, entry.data.data() + at * sizeof value, sizeof value);
      return double(value);
    };
    if (type == ValueType::f32) return read(0.0f);
    if (type == ValueType::boolean) return read(std::uint8_t{});
    return read(std::uint32_t{});
  }
  const Gguf& file_;
  std::string arch_;
};

class Unconverter {
 public:
  explicit Unconverter(const Gguf& file)
      : file_(file), keys_(file), arch_(file.architecture()), origin_(kOrigins.at(base())) {}

  HubFolder run() {
    make_config();
    std::map<std::string, std::vector<const TensorInfo*>> layers;
    for (const TensorInfo& tensor : file_.tensors()) put(tensor);
    if (!pending_.empty()) throw std::logic_error("left over: " + pending_.begin()->first);
    return std::move(folder_);
  }

 private:
  std::string base() const { return arch_ == "lfm2moe" ? "lfm2" : arch_; }

  void set(const char* name, const std::string& key) {
    if (const MetaEntry* entry = keys_.find(key)) {
      if (entry->type == ValueType::f32) {
        folder_.config[name] = keys_.number(key);
      } else if (entry->type == ValueType::boolean) {
        folder_.config[name] = keys_.number(key) != 0;
      } else {
        folder_.config[name] = std::uint64_t(keys_.number(key));
      }
    }
  }

  void make_config() {
    folder_.config["architectures"] = {arch_ == "lfm2moe" ? "Lfm2MoeForCausalLM" : origin_.model_class};
    set("num_hidden_layers", "block_count");
    set("max_position_embeddings", "context_length");
    set("hidden_size", "embedding_length");
    set("intermediate_size", "feed_forward_length");
    set("num_attention_heads", "attention.head_count");
    set("num_key_value_heads", "attention.head_count_kv");
    set("head_dim", "attention.key_length");
    set("rms_norm_eps", "attention.layer_norm_rms_epsilon");
    set("num_experts", "expert_count");
    set("num_experts_per_tok", "expert_used_count");
    set("moe_intermediate_size", "expert_feed_forward_length");
    set("shared_expert_intermediate_size", "expert_shared_feed_forward_length");
    set("sliding_window", "attention.sliding_window");
    set("n_shared_experts", "expert_shared_count");
    set("first_k_dense_replace", "leading_dense_block_count");
    set("routed_scaling_factor", "expert_weights_scale");
    set("norm_topk_prob", "expert_weights_norm");
    set("n_group", "expert_group_count");
    set("topk_group", "expert_group_used_count");
    folder_.config["vocab_size"] = file_.find_tensor("token_embd.weight")->dims[1];
    folder_.config["tie_word_embeddings"] = file_.find_tensor("output.weight") == nullptr;
    if (const double gating = keys_.number("expert_gating_func"); gating != 0)
      folder_.config["scoring_func"] = gating == 2 ? "sigmoid" : "softmax";
    make_rope();
    make_layers();
    make_family();
  }

  void make_rope() {
    json rope = {{"rope_theta", keys_.number("rope.freq_base", 10000)}};
    const std::string type = keys_.text("rope.scaling.type");
    rope["rope_type"] = type.empty() ? "default" : type;
    const std::pair<const char*, const char*> numbers[] = {
        {"factor", "rope.scaling.factor"},
        {"attention_factor", "rope.scaling.yarn_attn_factor"},
        {"beta_fast", "rope.scaling.yarn_beta_fast"},
        {"beta_slow", "rope.scaling.yarn_beta_slow"},
        {"llama_4_scaling_beta", "attention.temperature_scale"}};
    for (const auto& [name, key] : numbers) {
      if (keys_.find(key)) rope[name] = keys_.number(key);
    }
    const double tenth = arch_ == "deepseek2" ? 10 : 1;
    if (keys_.find("rope.scaling.yarn_log_multiplier"))
      rope["mscale_all_dim"] = tenth * keys_.number("rope.scaling.yarn_log_multiplier");
    if (keys_.find("rope.scaling.original_context_length"))
      rope["original_max_position_embeddings"] =
          std::uint64_t(keys_.number("rope.scaling.original_context_length"));
    const double size =
        keys_.number("attention.key_length",
                     keys_.number("embedding_length") / std::max(1.0, keys_.number("attention.head_count")));
    if (keys_.find("rope.dimension_count") && arch_ != "deepseek2" && arch_ != "gemma4")
      rope["partial_rotary_factor"] = keys_.number("rope.dimension_count") / size;
    if (const auto sections = keys_.numbers("rope.dimension_sections"); !sections.empty())
      rope["mrope_section"] = std::vector<int>(sections.begin(), sections.end());
    for (const char* kind : {"long", "short"}) {
      if (const TensorInfo* factors = file_.find_tensor(fmt::format("rope_factors_{}.weight", kind))) {
        rope[fmt::format("{}_factor", kind)] = array_of(*factors).values;
        rope["rope_type"] = "longrope";
      }
    }
    folder_.config["rope_parameters"] = rope;
    if (keys_.find("rope.freq_base_swa") || arch_ == "gemma4") {
      const double turned = arch_ == "gemma4" ? turned_share() : 1;
      if (arch_ == "gemma4") rope["rope_type"] = "proportional", rope["partial_rotary_factor"] = turned;
      folder_.config["rope_parameters"] = {
          {"full_attention", rope},
          {"sliding_attention",
           {{"rope_type", "default"}, {"rope_theta", keys_.number("rope.freq_base_swa")}}}};
    }
  }

  // The share of a head that is rotated at all.
  double turned_share() const {
    const Array factors = array_of(*file_.find_tensor("rope_freqs.weight"));
    const auto stands = [](float x) { return x > 1e29f; };
    return 1 - double(std::ranges::count_if(factors.values, stands)) / double(factors.values.size());
  }

  void make_layers() {
    const std::vector<double> local = keys_.numbers("attention.sliding_window_pattern");
    const std::vector<double> heads = keys_.numbers("attention.head_count_kv");
    const auto layers = std::size_t(keys_.number("block_count"));
    json types = json::array();
    const bool convolves = base() == "lfm2";
    for (std::size_t il = 0; il < layers; ++il) {
      if (convolves) types.push_back(heads[il] > 0 ? "full_attention" : "conv");
      if (local.size() == layers) types.push_back(local[il] != 0 ? "sliding_attention" : "full_attention");
    }
    if (!types.empty()) folder_.config["layer_types"] = types;
    if (convolves) folder_.config["num_key_value_heads"] = std::uint64_t(*std::ranges::max_element(heads));
    if (local.size() == 1) folder_.config["sliding_window_pattern"] = std::uint64_t(local[0]);
  }

  void make_family() {
    set("conv_L_cache", "shortconv.l_cache");
    set("num_dense_layers", "leading_dense_block_count");
    set("attention_multiplier", "attention.scale");
    set("embedding_multiplier", "embedding_scale");
    set("residual_multiplier", "residual_scale");
    set("logits_scaling", "logit_scale");
    set("attn_logit_softcapping", "attn_logit_softcapping");
    set("final_logit_softcapping", "final_logit_softcapping");
    set("clip_qkv", "attention.clamp_kqv");
    set("linear_conv_kernel_dim", "ssm.conv_kernel");
    set("linear_key_head_dim", "ssm.state_size");
    set("linear_num_key_heads", "ssm.group_count");
    set("linear_num_value_heads", "ssm.time_step_rank");
    set("full_attention_interval", "full_attention_interval");
    if (keys_.find("ssm.inner_size"))
      folder_.config["linear_value_head_dim"] =
          std::uint64_t(keys_.number("ssm.inner_size") / keys_.number("ssm.time_step_rank"));
    if (arch_ == "gpt-oss" || arch_ == "granitemoe") folder_.config.erase("moe_intermediate_size");
    if (arch_ == "gpt-oss")
      folder_.config["intermediate_size"] = std::uint64_t(keys_.number("expert_feed_forward_length"));
    if (arch_ == "phi3")
      folder_.config["head_dim"] =
          std::uint64_t(keys_.number("embedding_length") / keys_.number("attention.head_count"));
    if (arch_ == "deepseek2") make_latent();
    if (arch_ == "gemma4") make_gemma4();
    if (arch_ != "gemma4" && arch_ != "phi3" && folder_.config.contains("head_dim") &&
        !keys_.find("attention.key_length"))
      folder_.config.erase("head_dim");
  }

  void make_latent() {
    json& config = folder_.config;
    config.erase("head_dim");
    config["n_routed_experts"] = config["num_experts"];
    config.erase("num_experts");
    config["num_key_value_heads"] = config["num_attention_heads"];
    set("q_lora_rank", "attention.q_lora_rank");
    set("kv_lora_rank", "attention.kv_lora_rank");
    set("qk_rope_head_dim", "rope.dimension_count");
    set("v_head_dim", "attention.value_length_mla");
    config["qk_nope_head_dim"] =
        std::uint64_t(keys_.number("attention.key_length_mla") - keys_.number("rope.dimension_count"));
  }

  void make_gemma4() {
    json& config = folder_.config;
    config["global_head_dim"] = config["head_dim"];
    set("head_dim", "attention.key_length_swa");
    set("num_kv_shared_layers", "attention.shared_kv_layers");
    set("hidden_size_per_layer_input", "embedding_length_per_layer_input");
    const auto widths = keys_.numbers("feed_forward_length"),
               heads = keys_.numbers("attention.head_count_kv");
    config["use_double_wide_mlp"] = widths.size() > 1;
    if (heads.size() > 1) config["num_global_key_value_heads"] = std::uint64_t(heads.back());
  }

  void put(const TensorInfo& tensor) {
    std::string name(tensor.name), prefix = "model.", layer;
    if (name.starts_with("rope_f")) return;
    if (name.starts_with("blk.")) {
      const std::size_t dot = name.find('.', 4);
      layer = name.substr(4, dot - 4);
      prefix += fmt::format("layers.{}.", layer);
      name = name.substr(dot + 1);
    }
    if (name == "output.weight") return add("lm_head.weight", array_of(tensor));
    if (special(prefix, name, tensor)) return;
    const std::size_t dot = name.rfind('.');
    const std::string stem = name.substr(0, dot), ending = dot == std::string::npos ? "" : name.substr(dot);
    const auto own = origin_.names.find(stem);
    const std::string& new_stem = own != origin_.names.end() ? own->second : kNames.at(stem);
    put_usual(prefix, new_stem, ending, stem, array_of(tensor));
  }

  void put_usual(const std::string& prefix, std::string stem, const std::string& ending,
                 const std::string& old_stem, Array array) {
    if (origin_.neighbours && (old_stem == "attn_q" || old_stem == "attn_k"))
      array = halves(array, old_stem == "attn_q");
    if (origin_.norms_add_one && old_stem.ends_with("norm") && old_stem != origin_.norm_not_added) {
      for (float& x : array.values) x -= 1;
    }
    if (old_stem == "ffn_gate_inp_shexp") array.shape.insert(array.shape.begin(), 1);
    if (old_stem == "shortconv.conv" || old_stem == "ssm_conv1d")
      array.shape.insert(array.shape.begin() + 1, 1);
    const std::size_t star = stem.find('*');
    if (star == std::string::npos) return add(prefix + stem + ending, array);
    for (std::size_t e = 0; e < std::size_t(array.shape[0]); ++e)
      add(prefix + stem.substr(0, star) + std::to_string(e) + stem.substr(star + 1) + ending,
          slice(array, e));
  }

  // Neighbours 2j and 2j + 1 of a head become j and j + half.
  Array halves(const Array& array, bool queries) const {
    const double count =
        keys_.number(queries || !keys_.find("attention.head_count_kv") ? "attention.head_count"
                                                                       : "attention.head_count_kv");
    const std::size_t outputs = array.shape.size() == 1 ? array.values.size() : array.rows();
    const std::size_t size = outputs / std::size_t(count);
    return outputs_moved(array, [&](std::size_t i) {
      const std::size_t head = i / size, at = i % size;
      return head * size + at / 2 + at % 2 * (size / 2);
    });
  }

  void add(const std::string& name, const Array& array) { folder_.add(name, array.shape, array.values); }

  // Keeps a tensor until `other` of the same layer is there too, then calls join(first, second): `name` is
  // one of the two.
  template <class Join>
  bool pair_up(const std::string& prefix, const std::string& name, const std::string& first,
               const std::string& second, const TensorInfo& tensor, const Join& join) {
    if (name != first && name != second) return false;
    const std::string& other = name == first ? second : first;
    const auto waiting = pending_.find(prefix + other);
    if (waiting == pending_.end()) {
      pending_.emplace(prefix + name, &tensor);
      return true;
    }
    join(name == first ? tensor : *waiting->second, name == first ? *waiting->second : tensor);
    pending_.erase(waiting);
    return true;
  }

  bool special(const std::string& prefix, const std::string& name, const TensorInfo& tensor);
  bool special_linear(const std::string& prefix, const std::string& name, const TensorInfo& tensor);
  bool special_gpt_oss(const std::string& prefix, const std::string& name, const TensorInfo& tensor);
  void add_mxfp4(const std::string& stem, const std::vector<const TensorInfo*>& in_turns);

  // Rows a and b one below the other, matrix by matrix.
  static Array joined(const Array& a, const Array& b) {
    Array both = a;
    both.shape[both.shape.size() - 2] += b.shape[b.shape.size() - 2];
    both.values.clear();
    const std::size_t matrices = a.shape.size() == 3 ? std::size_t(a.shape[0]) : 1;
    const std::size_t x = a.values.size() / matrices, y = b.values.size() / matrices;
    for (std::size_t m = 0; m < matrices; ++m) {
      both.values.insert(both.values.end(), a.values.begin() + std::ptrdiff_t(m * x),
                         a.values.begin() + std::ptrdiff_t((m + 1) * x));
      both.values.insert(both.values.end(), b.values.begin() + std::ptrdiff_t(m * y),
                         b.values.begin() + std::ptrdiff_t((m + 1) * y));
    }
    return both;
  }

  // Value heads that take turns stand group by group at their origin.
  std::size_t grouped(std::size_t i, std::size_t size) const {
    const auto groups = std::size_t(keys_.number("ssm.group_count"));
    const std::size_t per_group = std::size_t(keys_.number("ssm.time_step_rank")) / groups;
    const std::size_t head = i / size;
    return (head % groups * per_group + head / groups) * size + i % size;
  }
  Array grouped_outputs(const Array& array, std::size_t size, std::size_t skipped = 0) const {
    return outputs_moved(
        array, [&](std::size_t i) { return i < skipped ? i : skipped + grouped(i - skipped, size); });
  }

  const Gguf& file_;
  Keys keys_;
  std::string arch_;
  const Origin& origin_;
  HubFolder folder_;
  std::map<std::string, const TensorInfo*> pending_;
};

bool Unconverter::special(const std::string& prefix, const std::string& name, const TensorInfo& tensor) {
  if (name == "exp_probs_b.bias") {
    add(prefix + (base() == "lfm2" ? "feed_forward.expert_bias" : "mlp.gate.e_score_correction_bias"),
        array_of(tensor));
    return true;
  }
  if (arch_ == "gpt-oss") return special_gpt_oss(prefix, name, tensor);
  if (arch_.starts_with("qwen3")) return special_linear(prefix, name, tensor);
  if (arch_ == "granitemoe") {
    const auto join = [&](const char* stem) {
      return [this, prefix, stem](const TensorInfo& gate, const TensorInfo& up) {
        add(prefix + stem, joined(array_of(gate), array_of(up)));
      };
    };
    if (name == "ffn_down_shexp.weight") {
      add(prefix + "shared_mlp.output_linear.weight", array_of(tensor));
      return true;
    }
    return pair_up(prefix, name, "ffn_gate_exps.weight", "ffn_up_exps.weight", tensor,
                   join("block_sparse_moe.input_linear.weight")) ||
           pair_up(prefix, name, "ffn_gate_shexp.weight", "ffn_up_shexp.weight", tensor,
                   join("shared_mlp.input_linear.weight"));
  }
  if (arch_ == "gemma4") {
    const std::map<std::string, std::string> bare = {{"layer_output_scale.weight", "layer_scalar"},
                                                     {"ffn_gate_inp.scale", "router.scale"},
                                                     {"ffn_down_exps.scale", "router.per_expert_scale"},
                                                     {"ffn_gate_up_exps.weight", "experts.gate_up_proj"},
                                                     {"ffn_down_exps.weight", "experts.down_proj"}};
    const auto found = bare.find(name);
    if (found != bare.end()) add(prefix + found->second, array_of(tensor));
    return found != bare.end();
  }
  return pair_up(prefix, name, "attn_k_b.weight", "attn_v_b.weight", tensor,
                 [&](const TensorInfo& key, const TensorInfo& value) {
                   const Array k = array_of(key), v = array_of(value);
                   Array both{{0, v.cols()}, {}};
                   for (std::size_t head = 0; head < std::size_t(k.shape[0]); ++head) {
                     for (const Array& part : {transposed(slice(k, head)), slice(v, head)}) {
                       both.values.insert(both.values.end(), part.values.begin(), part.values.end());
                       both.shape[0] += part.rows();
                     }
                   }
                   add(prefix + "self_attn.kv_b_proj.weight", both);
                 });
}

bool Unconverter::special_linear(const std::string& prefix, const std::string& name,
                                 const TensorInfo& tensor) {
  const std::string to = prefix + "linear_attn.";
  const auto value_size =
      std::size_t(keys_.number("ssm.inner_size") / std::max(1.0, keys_.number("ssm.time_step_rank")));
  const auto key_size = std::size_t(keys_.number("ssm.state_size"));
  const auto groups = std::size_t(keys_.number("ssm.group_count"));
  const std::size_t keys = key_size * groups;
  const bool turns = arch_ != "qwen3next";  // else value heads stand as they are
  Array array = array_of(tensor);
  const auto ordered = [&](const Array& a, std::size_t size, std::size_t skipped) {
    return turns ? grouped_outputs(a, size, skipped) : a;
  };
  if (name == "ssm_a") {
    for (float& x : array.values) x = std::log(-x);
    add(to + "A_log", ordered(array, 1, 0));
  } else if (name == "ssm_dt.bias") {
    add(to + "dt_bias", ordered(array, 1, 0));
  } else if (name == "ssm_conv1d.weight") {
    array = ordered(array, value_size, 2 * keys);
    array.shape.insert(array.shape.begin() + 1, 1);
    add(to + "conv1d.weight", array);
  } else if (turns && (name == "ssm_alpha.weight" || name == "ssm_beta.weight")) {
    add(to + (name == "ssm_alpha.weight" ? "in_proj_a.weight" : "in_proj_b.weight"), ordered(array, 1, 0));
  } else if (turns && name == "ssm_out.weight") {
    add(to + "out_proj.weight", transposed(ordered(transposed(array), value_size, 0)));
  } else if (turns && name == "attn_qkv.weight") {
    add(to + "in_proj_qkv.weight", ordered(array, value_size, 2 * keys));
  } else if (turns && name == "attn_gate.weight") {
    add(to + "in_proj_z.weight", ordered(array, value_size, 0));
  } else if (turns && name.ends_with("_exps.weight")) {  // of all experts at once
    if (name == "ffn_down_exps.weight") {
      add(prefix + "mlp.experts.down_proj", array);
      return true;
    }
    return pair_up(prefix, name, "ffn_gate_exps.weight", "ffn_up_exps.weight", tensor,
                   [&](const TensorInfo& gate, const TensorInfo& up) {
                     add(prefix + "mlp.experts.gate_up_proj", joined(array_of(gate), array_of(up)));
                   });
  } else {
    return arch_ == "qwen3next" &&
           pair_up(
               prefix, name, "attn_qkv.weight", "attn_gate.weight", tensor,
               [&](const TensorInfo& qkv, const TensorInfo& gate) {
                 const Array all = array_of(qkv), z = array_of(gate);
                 const std::size_t values = z.rows() / groups;
                 Array mixed{{0, all.cols()}, {}};
                 for (std::size_t g = 0; g < groups; ++g) {
                   for (const Array& part :
                        {rows_of(all, g * key_size, key_size), rows_of(all, keys + g * key_size, key_size),
                         rows_of(all, 2 * keys + g * values, values), rows_of(z, g * values, values)}) {
                     mixed.values.insert(mixed.values.end(), part.values.begin(), part.values.end());
                     mixed.shape[0] += part.rows();
                   }
                 }
                 add(to + "in_proj_qkvz.weight", mixed);
               });
  }
  return true;
}

// Blocks of the outputs of several tensors in turns; a stored byte has two neighbours, the first in its low
// half.
void Unconverter::add_mxfp4(const std::string& stem, const std::vector<const TensorInfo*>& in_turns) {
  constexpr std::size_t kBlock = 17, kCodes = 16;
  const TensorInfo& first = *in_turns.front();
  const std::uint64_t experts = first.dims[2], outputs = first.dims[1] * in_turns.size(),
                      width = first.dims[0] / 32;
  HubTensor blocks{stem + "_blocks", "U8", {experts, outputs, width, kCodes}, {}};
  HubTensor scales{stem + "_scales", "U8", {experts, outputs, width}, {}};
  for (std::uint64_t row = 0; row < experts * outputs; ++row) {
    const TensorInfo& tensor = *in_turns[std::size_t(row % in_turns.size())];
    for (std::uint64_t i = 0; i < width; ++i) {
      const std::byte* block = tensor.data.data() + (row / in_turns.size() * width + i) * kBlock;
      scales.bytes += char(block[0]);
      const auto code = [&](std::size_t at) {
        const auto byte = std::uint8_t(block[1 + at % kCodes]);
        return at < kCodes ? byte & 0x0F : byte >> 4;
      };
      for (std::size_t at = 0; at < kCodes; ++at) blocks.bytes += char(code(2 * at) | code(2 * at + 1) << 4);
    }
  }
  folder_.tensors.push_back(blocks);
  folder_.tensors.push_back(scales);
}

bool Unconverter::special_gpt_oss(const std::string& prefix, const std::string& name,
                                  const TensorInfo& tensor) {
  const std::string experts = prefix + "mlp.experts.";
  if (name == "attn_sinks.weight") {
    add(prefix + "self_attn.sinks", array_of(tensor));
  } else if (name == "ffn_down_exps.bias") {
    add(experts + "down_proj_bias", array_of(tensor));
  } else if (name == "ffn_down_exps.weight" && tensor.type_id == MXFP4::info.gguf) {
    add_mxfp4(experts + "down_proj", {&tensor});
  } else if (name == "ffn_down_exps.weight") {
    const Array array = array_of(tensor);
    Array turned{{array.shape[0], array.shape[2], array.shape[1]}, {}};
    for (std::size_t e = 0; e < std::size_t(array.shape[0]); ++e) {
      const Array matrix = transposed(slice(array, e));
      turned.values.insert(turned.values.end(), matrix.values.begin(), matrix.values.end());
    }
    add(experts + "down_proj", turned);
  } else if (pair_up(prefix, name, "ffn_gate_exps.bias", "ffn_up_exps.bias", tensor,
                     [&](const TensorInfo& gate, const TensorInfo& up) {
                       const Array g = array_of(gate), u = array_of(up);
                       Array both{{g.shape[0], 2 * g.shape[1]}, {}};
                       for (std::size_t i = 0; i < g.values.size(); ++i)
                         both.values.insert(both.values.end(), {g.values[i], u.values[i]});
                       add(experts + "gate_up_proj_bias", both);
                     })) {
    return true;
  } else {
    return pair_up(prefix, name, "ffn_gate_exps.weight", "ffn_up_exps.weight", tensor,
                   [&](const TensorInfo& gate, const TensorInfo& up) {
                     if (gate.type_id == MXFP4::info.gguf)
                       return add_mxfp4(experts + "gate_up_proj", {&gate, &up});
                     const Array g = array_of(gate), u = array_of(up);
                     Array both{{g.shape[0], g.shape[2], 2 * g.shape[1]}, {}};
                     for (std::size_t e = 0; e < std::size_t(g.shape[0]); ++e) {
                       const Array a = transposed(slice(g, e)), b = transposed(slice(u, e));
                       for (std::size_t i = 0; i < a.values.size(); ++i)
                         both.values.insert(both.values.end(), {a.values[i], b.values[i]});
                     }
                     add(experts + "gate_up_proj", both);
                   });
  }
  return true;
}

}  // namespace

HubFolder unconvert(const Gguf& file) { return Unconverter(file).run(); }

}  // namespace longhand::test
