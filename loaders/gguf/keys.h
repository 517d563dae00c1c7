// Every metadata key this library reads: name, type and legal range. No other code names a key, so a key
// cannot be read without a range, and a test walks this table with every type and boundary value.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace longhand {

enum class KeyType : std::uint8_t { integer, number, boolean, string, integers, numbers, strings, bytes };

/// One row: `name` with "%s" for the architecture; [min, max] bounds numbers, every element of arrays, and
/// for strings the length in bytes.
struct KeySpec {
  std::string_view name;
  KeyType type;
  double min = 0;
  double max = 0;
};

namespace key {

inline constexpr double kMaxCount = 1 << 20;  // widths, vocabularies' ids, lengths of anything per token
inline constexpr double kMaxContext = 1 << 30;
inline constexpr double kMaxScale = 1e9;
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kMaxFloat = std::numeric_limits<float>::max();
inline constexpr double kMaxText = 64.0 * (1 << 20);

// clang-format off
inline constexpr KeySpec
  // General.
  architecture        {"general.architecture", KeyType::string, 1, 64},
  name                {"general.name", KeyType::string, 0, 65535},
  file_type           {"general.file_type", KeyType::integer, 0, 65535},
  alignment           {"general.alignment", KeyType::integer, 1, 1 << 20},
  general_type        {"general.type", KeyType::string, 0, 64},
  // Adapters and control vectors.
  adapter_type        {"adapter.type", KeyType::string, 0, 64},
  lora_alpha          {"adapter.lora.alpha", KeyType::number, -kMaxScale, kMaxScale},
  alora_tokens        {"adapter.alora.invocation_tokens", KeyType::integers, 0, 4294967295.0},
  // Parts of a model.
  split_no            {"split.no", KeyType::integer, 0, 998},
  split_count         {"split.count", KeyType::integer, 0, 999},
  split_tensors       {"split.tensors.count", KeyType::integer, 0, 262144},
  // Shape of the model.
  context_length      {"%s.context_length", KeyType::integer, 1, kMaxContext},
  embedding_length    {"%s.embedding_length", KeyType::integer, 1, kMaxCount},
  block_count         {"%s.block_count", KeyType::integer, 1, 1024},
  nextn_layers        {"%s.nextn_predict_layers", KeyType::integer, 0, 1023},
  vocab_size          {"%s.vocab_size", KeyType::integer, 1, 1 << 21},
  feed_forward_length {"%s.feed_forward_length", KeyType::integers, 0, kMaxCount * 4},
  head_count          {"%s.attention.head_count", KeyType::integers, 0, 65536},
  head_count_kv       {"%s.attention.head_count_kv", KeyType::integers, 0, 65536},
  key_length          {"%s.attention.key_length", KeyType::integer, 1, 65536},
  value_length        {"%s.attention.value_length", KeyType::integer, 1, 65536},
  key_length_swa      {"%s.attention.key_length_swa", KeyType::integer, 1, 65536},
  value_length_swa    {"%s.attention.value_length_swa", KeyType::integer, 1, 65536},
  recurrent_layers    {"%s.attention.recurrent_layers", KeyType::integers, 0, 1},
  attention_interval  {"%s.full_attention_interval", KeyType::integer, 0, 1024},
  shared_kv_layers    {"%s.attention.shared_kv_layers", KeyType::integer, 0, 1024},
  per_layer_input     {"%s.embedding_length_per_layer_input", KeyType::integer, 0, 65536},
  altup_inputs        {"%s.altup.num_inputs", KeyType::integer, 1, 16},
  altup_active        {"%s.altup.active_idx", KeyType::integer, 0, 15},
  gate_cuts           {"%s.activation_sparsity_scale", KeyType::numbers, -kInfinity, kMaxScale},
  rms_epsilon         {"%s.attention.layer_norm_rms_epsilon", KeyType::number, 0, 1},
  norm_epsilon        {"%s.attention.layer_norm_epsilon", KeyType::number, 0, 1},
  attention_scale     {"%s.attention.scale", KeyType::number, 0, kMaxScale},
  attention_softcap   {"%s.attn_logit_softcapping", KeyType::number, 0, kMaxScale},
  final_softcap       {"%s.final_logit_softcapping", KeyType::number, 0, kMaxScale},
  logit_scale         {"%s.logit_scale", KeyType::number, 0, kMaxScale},
  residual_scale      {"%s.residual_scale", KeyType::number, 0, kMaxScale},
  embedding_scale     {"%s.embedding_scale", KeyType::number, 0, kMaxScale},
  attention_output_scale {"%s.attention.output_scale", KeyType::number, 0, kMaxScale},
  value_scale         {"%s.attention.value_scale", KeyType::number, 0, kMaxScale},
  clamp_kqv           {"%s.attention.clamp_kqv", KeyType::number, 0, kMaxScale},
  max_alibi_bias      {"%s.attention.max_alibi_bias", KeyType::number, 0, 1024},
  swin_norm           {"%s.swin_norm", KeyType::boolean},
  parallel_residual   {"%s.use_parallel_residual", KeyType::boolean},
  xielu_alpha_p       {"xielu.alpha_p", KeyType::numbers, -1e6, 1e6},
  xielu_alpha_n       {"xielu.alpha_n", KeyType::numbers, -1e6, 1e6},
  xielu_beta          {"xielu.beta", KeyType::numbers, -1e6, 1e6},
  xielu_eps           {"xielu.eps", KeyType::numbers, -1, 1},
  sliding_window      {"%s.attention.sliding_window", KeyType::integer, 0, kMaxContext},
  sliding_pattern     {"%s.attention.sliding_window_pattern", KeyType::integers, 0, 1024},
  // Rotary positions.
  rope_dimensions     {"%s.rope.dimension_count", KeyType::integer, 2, 65536},
  rope_dimensions_swa {"%s.rope.dimension_count_swa", KeyType::integer, 2, 65536},
  rope_sections       {"%s.rope.dimension_sections", KeyType::integers, 0, 65536},
  rope_base           {"%s.rope.freq_base", KeyType::number, 1e-3, 1e15},
  rope_base_swa       {"%s.rope.freq_base_swa", KeyType::number, 1e-3, 1e15},
  rope_scaling_type   {"%s.rope.scaling.type", KeyType::string, 0, 64},
  rope_alpha          {"%s.rope.scaling.alpha", KeyType::number, 0, 1e6},
  rope_scaling_factor {"%s.rope.scaling.factor", KeyType::number, 0, 1e6},
  rope_scale_linear   {"%s.rope.scale_linear", KeyType::number, 0, 1e6},
  rope_original       {"%s.rope.scaling.original_context_length", KeyType::integer, 0, kMaxContext},
  rope_attn_factor    {"%s.rope.scaling.attn_factor", KeyType::number, 0, kMaxScale},
  yarn_attn_factor    {"%s.rope.scaling.yarn_attn_factor", KeyType::number, 0, kMaxScale},
  yarn_ext_factor     {"%s.rope.scaling.yarn_ext_factor", KeyType::number, -1, 1e6},
  yarn_beta_fast      {"%s.rope.scaling.yarn_beta_fast", KeyType::number, 0, 1e6},
  yarn_beta_slow      {"%s.rope.scaling.yarn_beta_slow", KeyType::number, 0, 1e6},
  yarn_log_multiplier {"%s.rope.scaling.yarn_log_multiplier", KeyType::number, 0, 1e6},
  rope_finetuned      {"%s.rope.scaling.finetuned", KeyType::boolean},
  temperature_scale   {"%s.attention.temperature_scale", KeyType::number, 0, 1e6},
  temperature_length  {"%s.attention.temperature_length", KeyType::integer, 0, kMaxContext},
  // Long context: what a model was trained with, and the memory its makers recommend.
  key_norm            {"longhand.attention.key_norm", KeyType::boolean},
  query_norm          {"longhand.attention.query_norm", KeyType::boolean},
  scale_rule          {"longhand.attention.scale_rule", KeyType::string, 0, 64},
  scale_coefficient   {"longhand.attention.scale_coefficient", KeyType::number, 0, kMaxScale},
  memory              {"longhand.attention.memory", KeyType::string, 0, 64},
  memory_window       {"longhand.attention.window", KeyType::integer, 1, kMaxContext},
  memory_sinks        {"longhand.attention.sinks", KeyType::integer, 0, 512},
  memory_far          {"longhand.attention.far", KeyType::integer, 1, kMaxContext},
  memory_leak         {"longhand.attention.leak", KeyType::number, 1, kMaxScale},
  vq_quantize_window  {"longhand.attention.vq_quantize_window", KeyType::boolean},
  fsq_levels          {"longhand.attention.fsq_levels", KeyType::integers, 2, 65536},
  // Latent attention: keys and values out of one compressed vector.
  q_lora_rank         {"%s.attention.q_lora_rank", KeyType::integer, 0, 65536},
  kv_lora_rank        {"%s.attention.kv_lora_rank", KeyType::integer, 0, 65536},
  key_length_mla      {"%s.attention.key_length_mla", KeyType::integer, 0, 65536},
  value_length_mla    {"%s.attention.value_length_mla", KeyType::integer, 0, 65536},
  // Attention to compressed keys, and streams with hyper-connections.
  compress_ratios     {"%s.attention.compress_ratios", KeyType::integers, 0, 4096},
  compress_base       {"%s.attention.compress_rope_freq_base", KeyType::number, 1e-3, 1e15},
  output_groups       {"%s.attention.output_group_count", KeyType::integer, 1, 65536},
  output_rank         {"%s.attention.output_lora_rank", KeyType::integer, 1, 65536},
  hyper_count         {"%s.hyper_connection.count", KeyType::integer, 2, 16},
  hyper_iterations    {"%s.hyper_connection.sinkhorn_iterations", KeyType::integer, 1, 1024},
  hyper_epsilon       {"%s.hyper_connection.epsilon", KeyType::number, 0, 1},
  hash_layers         {"%s.hash_layer_count", KeyType::integer, 0, 1024},
  // Attention to what an indexer chooses.
  indexer_heads       {"%s.attention.indexer.head_count", KeyType::integer, 0, 65536},
  indexer_key_length  {"%s.attention.indexer.key_length", KeyType::integer, 0, 65536},
  indexer_top_k       {"%s.attention.indexer.top_k", KeyType::integer, 0, kMaxCount},
  indexer_block       {"%s.attention.indexer.block_size", KeyType::integer, 0, kMaxCount},
  indexer_local       {"%s.attention.indexer.local_blocks", KeyType::integer, 0, kMaxCount},
  // Recurrent layers.
  conv_kernel         {"%s.ssm.conv_kernel", KeyType::integer, 0, 256},
  inner_size          {"%s.ssm.inner_size", KeyType::integer, 0, kMaxCount},
  state_size          {"%s.ssm.state_size", KeyType::integer, 0, 65536},
  time_step_rank      {"%s.ssm.time_step_rank", KeyType::integer, 0, 65536},
  state_groups        {"%s.ssm.group_count", KeyType::integer, 0, 65536},
  conv_cache          {"%s.shortconv.l_cache", KeyType::integer, 1, 256},
  scan_inputs_norm    {"%s.ssm.dt_b_c_rms", KeyType::boolean},
  kda_head_dim        {"%s.kda.head_dim", KeyType::integer, 0, 65536},
  wkv_head_size       {"%s.wkv.head_size", KeyType::integer, 0, 65536},
  mix_rank            {"%s.time_mix_extra_dim", KeyType::integer, 0, 65536},
  mix_decay_rank      {"%s.time_decay_extra_dim", KeyType::integer, 0, 65536},
  decay_lora_rank     {"%s.attention.decay_lora_rank", KeyType::integer, 0, 65536},
  rate_lora_rank      {"%s.attention.iclr_lora_rank", KeyType::integer, 0, 65536},
  value_lora_rank     {"%s.attention.value_residual_mix_lora_rank", KeyType::integer, 0, 65536},
  gate_lora_rank      {"%s.attention.gate_lora_rank", KeyType::integer, 0, 65536},
  rescale_every       {"%s.rescale_every_n_layers", KeyType::integer, 0, 1024},
  // Vectors of texts.
  causal              {"%s.attention.causal", KeyType::boolean},
  pooling_type        {"%s.pooling_type", KeyType::integer, 0, 4},
  output_labels       {"%s.classifier.output_labels", KeyType::strings, 0, 65535},
  dense_2_out         {"%s.dense_2_feat_out", KeyType::integer, 1, kMaxCount},
  dense_3_out         {"%s.dense_3_feat_out", KeyType::integer, 1, kMaxCount},
  hidden_activation   {"%s.hidden_activation", KeyType::string, 0, 64},
  // Experts.
  expert_count        {"%s.expert_count", KeyType::integer, 0, 512},
  expert_used_count   {"%s.expert_used_count", KeyType::integer, 0, 512},
  expert_ff_length    {"%s.expert_feed_forward_length", KeyType::integer, 0, kMaxCount},
  expert_shared_ff    {"%s.expert_shared_feed_forward_length", KeyType::integer, 0, kMaxCount},
  expert_shared_count {"%s.expert_shared_count", KeyType::integer, 0, 512},
  expert_groups       {"%s.expert_group_count", KeyType::integer, 0, 512},
  expert_groups_used  {"%s.expert_group_used_count", KeyType::integer, 0, 512},
  moe_latent          {"%s.moe_latent_size", KeyType::integer, 0, kMaxCount},
  leading_dense       {"%s.leading_dense_block_count", KeyType::integer, 0, 1024},
  moe_layer_step      {"%s.interleave_moe_layer_step", KeyType::integer, 0, 1024},
  expert_gating       {"%s.expert_gating_func", KeyType::integer, 0, 4},
  expert_norm         {"%s.expert_weights_norm", KeyType::boolean},
  expert_scale        {"%s.expert_weights_scale", KeyType::number, 0, kMaxScale},
  expert_limits       {"%s.swiglu_clamp_exp", KeyType::numbers, 0, kMaxScale},
  dense_limits        {"%s.swiglu_clamp_shexp", KeyType::numbers, 0, kMaxScale},
  chunk_ff_length     {"%s.expert_chunk_feed_forward_length", KeyType::integer, 0, kMaxCount},
  experts_per_chunk   {"%s.experts_per_group", KeyType::integer, 0, 512},
  chunk_scale         {"%s.expert_group_scale", KeyType::number, 0, kMaxScale},
  // Sampling defaults recommended by the model's authors.
  sampling_temp       {"general.sampling.temp", KeyType::number, 0, 1e6},
  sampling_top_k      {"general.sampling.top_k", KeyType::integer, -1, 1 << 21},
  sampling_top_p      {"general.sampling.top_p", KeyType::number, 0, 1},
  sampling_min_p      {"general.sampling.min_p", KeyType::number, 0, 1},
  sampling_xtc_probability {"general.sampling.xtc_probability", KeyType::number, 0, 1},
  sampling_xtc_threshold   {"general.sampling.xtc_threshold", KeyType::number, 0, 1},
  sampling_penalty_last_n  {"general.sampling.penalty_last_n", KeyType::integer, -1, kMaxContext},
  sampling_penalty_repeat  {"general.sampling.penalty_repeat", KeyType::number, 0, 1e6},
  sampling_mirostat        {"general.sampling.mirostat", KeyType::integer, 0, 2},
  sampling_mirostat_tau    {"general.sampling.mirostat_tau", KeyType::number, 0, 1e6},
  sampling_mirostat_eta    {"general.sampling.mirostat_eta", KeyType::number, 0, 1e6},
  // Vocabulary.
  tokenizer_model     {"tokenizer.ggml.model", KeyType::string, 1, 64},
  tokenizer_pre       {"tokenizer.ggml.pre", KeyType::string, 0, 64},
  tokens              {"tokenizer.ggml.tokens", KeyType::strings, 0, 1 << 20},
  scores              {"tokenizer.ggml.scores", KeyType::numbers, -kMaxFloat, kMaxFloat},
  token_types         {"tokenizer.ggml.token_type", KeyType::integers, 0, 6},
  merges              {"tokenizer.ggml.merges", KeyType::strings, 0, 1 << 20},
  bos_id              {"tokenizer.ggml.bos_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  eos_id              {"tokenizer.ggml.eos_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  eot_id              {"tokenizer.ggml.eot_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  eom_id              {"tokenizer.ggml.eom_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  unk_id              {"tokenizer.ggml.unknown_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  sep_id              {"tokenizer.ggml.seperator_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  pad_id              {"tokenizer.ggml.padding_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  mask_id             {"tokenizer.ggml.mask_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  fim_pre_id          {"tokenizer.ggml.fim_pre_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  fim_suf_id          {"tokenizer.ggml.fim_suf_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  fim_mid_id          {"tokenizer.ggml.fim_mid_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  fim_pad_id          {"tokenizer.ggml.fim_pad_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  fim_rep_id          {"tokenizer.ggml.fim_rep_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  fim_sep_id          {"tokenizer.ggml.fim_sep_token_id", KeyType::integer, -2147483648.0, 4294967295.0},
  add_bos             {"tokenizer.ggml.add_bos_token", KeyType::boolean},
  add_eos             {"tokenizer.ggml.add_eos_token", KeyType::boolean},
  add_sep             {"tokenizer.ggml.add_sep_token", KeyType::boolean},
  add_space_prefix    {"tokenizer.ggml.add_space_prefix", KeyType::boolean},
  remove_whitespaces  {"tokenizer.ggml.remove_extra_whitespaces", KeyType::boolean},
  charsmap            {"tokenizer.ggml.precompiled_charsmap", KeyType::bytes},
  lowercase           {"tokenizer.ggml.normalizer.lowercase", KeyType::boolean},
  strip_accents       {"tokenizer.ggml.normalizer.strip_accents", KeyType::boolean},
  token_type_count    {"tokenizer.ggml.token_type_count", KeyType::integer, 0, 65536},
  rerank_template     {"tokenizer.chat_template.rerank", KeyType::string, 0, kMaxText},
  suppress_tokens     {"tokenizer.ggml.suppress_tokens", KeyType::integers, -2147483648.0, 4294967295.0},
  chat_template       {"tokenizer.chat_template", KeyType::string, 0, kMaxText};
// clang-format on

}  // namespace key
}  // namespace longhand
