// Every row of the key table, for tests that walk it.
#pragma once

#include "loaders/gguf/keys.h"

namespace longhand::test {

// clang-format off
inline constexpr const KeySpec* kAllKeys[] = {
    &key::architecture, &key::name, &key::file_type, &key::alignment, &key::general_type,
    &key::adapter_type, &key::lora_alpha, &key::alora_tokens, &key::split_no, &key::split_count,
    &key::split_tensors, &key::context_length, &key::embedding_length, &key::block_count,
    &key::nextn_layers, &key::vocab_size, &key::feed_forward_length, &key::head_count,
    &key::head_count_kv, &key::key_length, &key::value_length, &key::key_length_swa, &key::value_length_swa, &key::recurrent_layers,
    &key::attention_interval, &key::shared_kv_layers, &key::per_layer_input, &key::altup_inputs, &key::altup_active, &key::gate_cuts, &key::rms_epsilon, &key::norm_epsilon,
    &key::attention_scale, &key::attention_softcap, &key::final_softcap, &key::logit_scale,
    &key::residual_scale, &key::embedding_scale, &key::attention_output_scale,
    &key::value_scale, &key::clamp_kqv, &key::max_alibi_bias,
    &key::swin_norm, &key::parallel_residual, &key::xielu_alpha_p, &key::xielu_alpha_n, &key::xielu_beta, &key::xielu_eps,
    &key::sliding_window, &key::sliding_pattern, &key::rope_dimensions, &key::rope_dimensions_swa, &key::rope_sections, &key::rope_base,
    &key::rope_base_swa, &key::rope_scaling_type, &key::rope_alpha, &key::rope_scaling_factor, &key::rope_scale_linear,
    &key::rope_original, &key::rope_attn_factor, &key::yarn_attn_factor, &key::yarn_ext_factor,
    &key::yarn_beta_fast, &key::yarn_beta_slow, &key::yarn_log_multiplier, &key::temperature_scale,
    &key::temperature_length, &key::key_norm, &key::query_norm, &key::scale_rule,
    &key::scale_coefficient, &key::memory, &key::memory_window, &key::memory_sinks, &key::memory_far,
    &key::memory_leak, &key::vq_quantize_window, &key::fsq_levels, &key::q_lora_rank, &key::kv_lora_rank,
    &key::key_length_mla, &key::value_length_mla, &key::compress_ratios, &key::compress_base, &key::output_groups, &key::output_rank,
    &key::hyper_count, &key::hyper_iterations, &key::hyper_epsilon, &key::hash_layers, &key::indexer_heads, &key::indexer_key_length, &key::indexer_top_k,
    &key::indexer_block, &key::indexer_local, &key::conv_kernel, &key::inner_size, &key::state_size,
    &key::time_step_rank, &key::state_groups, &key::conv_cache, &key::causal, &key::pooling_type,
    &key::output_labels, &key::dense_2_out, &key::dense_3_out, &key::hidden_activation, &key::scan_inputs_norm, &key::kda_head_dim, &key::wkv_head_size,
    &key::mix_rank, &key::mix_decay_rank, &key::decay_lora_rank, &key::rate_lora_rank,
    &key::value_lora_rank, &key::gate_lora_rank, &key::rescale_every, &key::moe_latent, &key::rope_finetuned, &key::expert_count,
    &key::expert_used_count, &key::expert_ff_length, &key::expert_shared_ff, &key::expert_shared_count, &key::expert_groups,
    &key::expert_groups_used, &key::leading_dense, &key::moe_layer_step, &key::expert_gating,
    &key::expert_norm, &key::expert_scale, &key::expert_limits, &key::dense_limits,
    &key::chunk_ff_length, &key::experts_per_chunk, &key::chunk_scale, &key::sampling_temp, &key::sampling_top_k,
    &key::sampling_top_p, &key::sampling_min_p, &key::sampling_xtc_probability,
    &key::sampling_xtc_threshold, &key::sampling_penalty_last_n, &key::sampling_penalty_repeat,
    &key::sampling_mirostat, &key::sampling_mirostat_tau, &key::sampling_mirostat_eta,
    &key::tokenizer_model, &key::tokenizer_pre, &key::tokens, &key::scores, &key::token_types,
    &key::merges, &key::bos_id, &key::eos_id, &key::eot_id, &key::eom_id, &key::unk_id, &key::sep_id,
    &key::pad_id, &key::mask_id, &key::fim_pre_id, &key::fim_suf_id, &key::fim_mid_id, &key::fim_pad_id,
    &key::fim_rep_id, &key::fim_sep_id, &key::add_bos, &key::add_eos, &key::add_sep,
    &key::add_space_prefix, &key::remove_whitespaces, &key::charsmap, &key::lowercase,
    &key::strip_accents, &key::token_type_count, &key::rerank_template, &key::suppress_tokens, &key::chat_template};
// clang-format on

}  // namespace longhand::test
