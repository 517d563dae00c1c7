// config.json of what a file was converted from.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "tests/make/unconvert_parts.h"

namespace longhand::test {
namespace {

using nlohmann::json;

double value_of(const MetaEntry& entry, std::size_t at) {
  const ValueType type = entry.type == ValueType::array ? entry.element : entry.type;
  const auto read = [&]<class T>(T value) {
    std::memcpy(&value, entry.data.data() + at * sizeof value, sizeof value);
    return double(value);
  };
  if (type == ValueType::f32) return read(0.0f);
  if (type == ValueType::boolean) return read(std::uint8_t{});
  return read(std::uint32_t{});
}
class ConfigMaker {
 public:
  explicit ConfigMaker(const Gguf& file)
      : file_(file),
        keys_(file),
        arch_(file.architecture()),
        base_(arch_ == "lfm2moe" ? "lfm2" : arch_),
        origin_(origin_of(base_)) {}

  json run() {
    make_config();
    return std::move(config_);
  }

 private:
  void set(const char* name, const std::string& key) {
    if (const MetaEntry* entry = keys_.find(key)) {
      if (entry->type == ValueType::f32) {
        config_[name] = keys_.number(key);
      } else if (entry->type == ValueType::boolean) {
        config_[name] = keys_.number(key) != 0;
      } else {
        config_[name] = std::uint64_t(keys_.number(key));
      }
    }
  }

  void make_config() {
    config_["architectures"] = {arch_ == "lfm2moe" ? "Lfm2MoeForCausalLM" : origin_.model_class};
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
    config_["vocab_size"] = file_.find_tensor("token_embd.weight")->dims[1];
    config_["tie_word_embeddings"] = file_.find_tensor("output.weight") == nullptr;
    if (const double gating = keys_.number("expert_gating_func"); gating != 0)
      config_["scoring_func"] = gating == 2 ? "sigmoid" : "softmax";
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
    config_["rope_parameters"] = rope;
    if (keys_.find("rope.freq_base_swa") || arch_ == "gemma4") {
      const double turned = arch_ == "gemma4" ? turned_share() : 1;
      if (arch_ == "gemma4") rope["rope_type"] = "proportional", rope["partial_rotary_factor"] = turned;
      config_["rope_parameters"] = {
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
    const bool convolves = base_ == "lfm2";
    for (std::size_t il = 0; il < layers; ++il) {
      if (convolves) types.push_back(heads[il] > 0 ? "full_attention" : "conv");
      if (local.size() == layers) types.push_back(local[il] != 0 ? "sliding_attention" : "full_attention");
    }
    if (!types.empty()) config_["layer_types"] = types;
    if (convolves) config_["block_auto_adjust_ff_dim"] = false;
    if (convolves) config_["num_key_value_heads"] = std::uint64_t(*std::ranges::max_element(heads));
    if (local.size() == 1) config_["sliding_window_pattern"] = std::uint64_t(local[0]);
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
    set("norm_epsilon", "attention.layer_norm_epsilon");
    if (keys_.find("n_deepstack_layers"))
      config_["vision_config"]["deepstack_visual_indexes"] =
          std::vector<int>(std::size_t(keys_.number("n_deepstack_layers")), 1);
    set("linear_conv_kernel_dim", "ssm.conv_kernel");
    set("linear_key_head_dim", "ssm.state_size");
    set("linear_num_key_heads", "ssm.group_count");
    set("linear_num_value_heads", "ssm.time_step_rank");
    set("full_attention_interval", "full_attention_interval");
    if (keys_.find("ssm.inner_size"))
      config_["linear_value_head_dim"] =
          std::uint64_t(keys_.number("ssm.inner_size") / keys_.number("ssm.time_step_rank"));
    if (arch_ == "gpt-oss" || arch_ == "granitemoe") config_.erase("moe_intermediate_size");
    if (arch_ == "gpt-oss")
      config_["intermediate_size"] = std::uint64_t(keys_.number("expert_feed_forward_length"));
    if (arch_ == "phi3")
      config_["head_dim"] =
          std::uint64_t(keys_.number("embedding_length") / keys_.number("attention.head_count"));
    if (arch_ == "deepseek2") make_latent();
    if (arch_ == "gemma4") make_gemma4();
    if (arch_ != "gemma4" && arch_ != "phi3" && config_.contains("head_dim") &&
        !keys_.find("attention.key_length"))
      config_.erase("head_dim");
  }

  void make_latent() {
    json& config = config_;
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
    json& config = config_;
    config["global_head_dim"] = config["head_dim"];
    set("head_dim", "attention.key_length_swa");
    set("num_kv_shared_layers", "attention.shared_kv_layers");
    set("hidden_size_per_layer_input", "embedding_length_per_layer_input");
    const auto widths = keys_.numbers("feed_forward_length"),
               heads = keys_.numbers("attention.head_count_kv");
    config["use_double_wide_mlp"] = widths.size() > 1;
    if (heads.size() > 1) config["num_global_key_value_heads"] = std::uint64_t(heads.back());
  }

  const Gguf& file_;
  FileKeys keys_;
  std::string arch_, base_;
  const Origin& origin_;
  json config_;
};

}  // namespace

double FileKeys::number(const std::string& key, double otherwise) const {
  const MetaEntry* entry = find(key);
  return entry ? value_of(*entry, 0) : otherwise;
}

std::vector<double> FileKeys::numbers(const std::string& key) const {
  std::vector<double> list;
  if (const MetaEntry* entry = find(key)) {
    for (std::uint64_t i = 0; i < entry->count; ++i) list.push_back(value_of(*entry, std::size_t(i)));
  }
  return list;
}

std::string FileKeys::text(const std::string& key) const {
  const MetaEntry* entry = find(key);
  return entry ? std::string(reinterpret_cast<const char*>(entry->data.data()) + 8, entry->data.size() - 8)
               : "";
}

json config_of(const Gguf& file) { return ConfigMaker(file).run(); }

}  // namespace longhand::test
