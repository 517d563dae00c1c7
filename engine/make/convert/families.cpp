// The list of families, and what most of them share.
#include <algorithm>
#include <array>

#include "engine/make/convert/changes.h"
#include "engine/make/convert/family.h"

namespace longhand {
namespace {

// One line a file.
auto all_families() noexcept {
  return std::array{llama_converters(),    qwen_converters(), gemma_converters(),   phi_converters(),
                    gpt_oss_converters(),  lfm_converters(),  granite_converters(), olmo_converters(),
                    deepseek_converters(), glm_converters(),  plain_converters()};
}

constexpr TensorRule kLayerRules[] = {
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"self_attn.rotary_emb.inv_freq", ""},
    {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"mlp.gate", "ffn_gate_inp"},
    {"mlp.gate.e_score_correction_bias", "exp_probs_b.bias"},
    {"mlp.experts.*.gate_proj", "ffn_gate_exps"},
    {"mlp.experts.*.up_proj", "ffn_up_exps"},
    {"mlp.experts.*.down_proj", "ffn_down_exps"},
    {"mlp.experts.gate_up_proj", "ffn_gate_exps.weight", first_half},
    {"mlp.experts.gate_up_proj", "ffn_up_exps.weight", second_half},
    {"mlp.experts.down_proj", "ffn_down_exps.weight"},
    {"mlp.shared_experts.gate_proj", "ffn_gate_shexp"},
    {"mlp.shared_experts.up_proj", "ffn_up_shexp"},
    {"mlp.shared_experts.down_proj", "ffn_down_shexp"},
    {"mlp.shared_expert.gate_proj", "ffn_gate_shexp"},
    {"mlp.shared_expert.up_proj", "ffn_up_shexp"},
    {"mlp.shared_expert.down_proj", "ffn_down_shexp"},
    {"mlp.shared_expert_gate", "ffn_gate_inp_shexp"},
};

constexpr TensorRule kRules[] = {{"embed_tokens", "token_embd"},
                                 {"norm", "output_norm"},
                                 {"lm_head", "output"},
                                 {"rotary_emb.inv_freq", ""}};

}  // namespace

std::span<const TensorRule> common_layer_rules() noexcept { return kLayerRules; }
std::span<const TensorRule> common_rules() noexcept { return kRules; }

const Family* find_family(std::string_view model_class, const HubConfig& config) {
  for (const auto& families : all_families()) {
    for (const Family& family : families) {
      const bool named = std::ranges::find(family.classes, model_class) != family.classes.end();
      if (named && (!family.fits || family.fits(config))) return &family;
    }
  }
  return nullptr;
}

std::string known_classes() {
  std::string names;
  for (const auto& families : all_families()) {
    for (const Family& family : families) {
      for (const std::string_view name : family.classes)
        names += (names.empty() ? "" : ", ") + std::string(name);
    }
  }
  return names;
}

}  // namespace longhand
