#include "engine/api/c/options.h"

#include <array>
#include <tuple>
#include <utility>

#include "engine/api/c/handles.h"
#include "engine/types/json_schema.h"
#include "engine/types/options.h"

namespace longhand::c_api {
namespace {

// Enumerators of both interfaces have the same numbers.
static_assert(LH_CACHE_IQ4_NL == int(CacheType::iq4_nl));
static_assert(LH_ROPE_YARN == int(RopeScaling::yarn));
static_assert(LH_POOLING_RANK == int(Pooling::rank));

// Which field of a C struct is which option. Each row of an option's table has its field, or the build fails.
using CLoad = lh_load_options;
using CSession = lh_session_options;
using CSampler = lh_sampler_options;
// clang-format off
constexpr std::tuple kLoadFields = {
    std::pair(&CLoad::repack, &LoadOptions::repack),
    std::pair(&CLoad::threads, &LoadOptions::threads),
    std::pair(&CLoad::isa, &LoadOptions::isa)};

constexpr std::tuple kSessionFields = {
    std::pair(&CSession::context, &SessionOptions::context),
    std::pair(&CSession::threads, &SessionOptions::threads),
    std::pair(&CSession::prefill_threads, &SessionOptions::prefill_threads),
    std::pair(&CSession::batch, &SessionOptions::batch),
    std::pair(&CSession::cpus, &SessionOptions::cpus),
    std::pair(&CSession::key_cache, &SessionOptions::key_cache),
    std::pair(&CSession::value_cache, &SessionOptions::value_cache),
    std::pair(&CSession::memory_budget, &SessionOptions::memory_budget),
    std::pair(&CSession::min_speed, &SessionOptions::min_speed)};

constexpr std::tuple kRopeFields = {
    std::pair(&CSession::rope_scaling, &RopeOptions::scaling),
    std::pair(&CSession::rope_factor, &RopeOptions::factor),
    std::pair(&CSession::rope_auto_factor, &RopeOptions::auto_factor),
    std::pair(&CSession::rope_base, &RopeOptions::base),
    std::pair(&CSession::rope_original_context, &RopeOptions::original_context),
    std::pair(&CSession::yarn_beta_fast, &RopeOptions::yarn_beta_fast),
    std::pair(&CSession::yarn_beta_slow, &RopeOptions::yarn_beta_slow),
    std::pair(&CSession::yarn_ext_factor, &RopeOptions::yarn_ext_factor)};

constexpr std::tuple kAttentionFields = {
    std::pair(&CSession::memory, &AttentionOptions::memory),
    std::pair(&CSession::summary_from, &AttentionOptions::summary_from),
    std::pair(&CSession::window, &AttentionOptions::window),
    std::pair(&CSession::sinks, &AttentionOptions::sinks),
    std::pair(&CSession::far, &AttentionOptions::far),
    std::pair(&CSession::leak, &AttentionOptions::leak),
    std::pair(&CSession::codes, &AttentionOptions::codes),
    std::pair(&CSession::features, &AttentionOptions::features),
    std::pair(&CSession::weighted, &AttentionOptions::weighted),
    std::pair(&CSession::second_order, &AttentionOptions::second_order),
    std::pair(&CSession::exact, &AttentionOptions::exact),
    std::pair(&CSession::checkpoints, &AttentionOptions::checkpoints),
    std::pair(&CSession::log_n, &AttentionOptions::log_n),
    std::pair(&CSession::indexer, &AttentionOptions::indexer)};

constexpr std::tuple kSamplerFields = {
    std::pair(&CSampler::seed, &SamplerOptions::seed),
    std::pair(&CSampler::temperature, &SamplerOptions::temperature),
    std::pair(&CSampler::dynatemp_range, &SamplerOptions::dynatemp_range),
    std::pair(&CSampler::dynatemp_exponent, &SamplerOptions::dynatemp_exponent),
    std::pair(&CSampler::top_k, &SamplerOptions::top_k),
    std::pair(&CSampler::top_p, &SamplerOptions::top_p),
    std::pair(&CSampler::min_p, &SamplerOptions::min_p),
    std::pair(&CSampler::typical_p, &SamplerOptions::typical_p),
    std::pair(&CSampler::top_n_sigma, &SamplerOptions::top_n_sigma),
    std::pair(&CSampler::xtc_probability, &SamplerOptions::xtc_probability),
    std::pair(&CSampler::xtc_threshold, &SamplerOptions::xtc_threshold),
    std::pair(&CSampler::min_keep, &SamplerOptions::min_keep),
    std::pair(&CSampler::penalty_last_n, &SamplerOptions::penalty_last_n),
    std::pair(&CSampler::repeat_penalty, &SamplerOptions::repeat_penalty),
    std::pair(&CSampler::frequency_penalty, &SamplerOptions::frequency_penalty),
    std::pair(&CSampler::presence_penalty, &SamplerOptions::presence_penalty),
    std::pair(&CSampler::dry_multiplier, &SamplerOptions::dry_multiplier),
    std::pair(&CSampler::dry_base, &SamplerOptions::dry_base),
    std::pair(&CSampler::dry_allowed_length, &SamplerOptions::dry_allowed_length),
    std::pair(&CSampler::dry_penalty_last_n, &SamplerOptions::dry_penalty_last_n),
    std::pair(&CSampler::mirostat, &SamplerOptions::mirostat),
    std::pair(&CSampler::mirostat_tau, &SamplerOptions::mirostat_tau),
    std::pair(&CSampler::mirostat_eta, &SamplerOptions::mirostat_eta),
    std::pair(&CSampler::ignore_eos, &SamplerOptions::ignore_eos),
    std::pair(&CSampler::grammar, &SamplerOptions::grammar)};

constexpr std::tuple kRunnerFields = {
    std::pair(&lh_runner_options::threads, &RunnerOptions::threads),
    std::pair(&lh_runner_options::prefill_threads, &RunnerOptions::prefill_threads),
    std::pair(&lh_runner_options::batch, &RunnerOptions::batch),
    std::pair(&lh_runner_options::cpus, &RunnerOptions::cpus)};

constexpr std::tuple kEmbedFields = {
    std::pair(&lh_embed_options::pooling, &EmbedOptions::pooling),
    std::pair(&lh_embed_options::normalize, &EmbedOptions::normalize)};

constexpr std::tuple kSpeculationFields = {
    std::pair(&lh_speculation_options::most, &SpeculationOptions::most),
    std::pair(&lh_speculation_options::adapt, &SpeculationOptions::adapt),
    std::pair(&lh_speculation_options::mtp, &SpeculationOptions::mtp)};
// clang-format on

template <class Fields, class Table>
constexpr bool same_options(const Fields& fields, const Table& table) {
  const auto has_row = [&](auto member) { return look_up_option(table, member) != nullptr; };
  return std::tuple_size_v<Fields> == std::tuple_size_v<Table> &&
         std::apply([&](const auto&... pairs) { return (has_row(pairs.second) && ...); }, fields);
}
static_assert(same_options(kLoadFields, kLoadOptions));
static_assert(same_options(kSessionFields, kSessionOptions));
static_assert(same_options(kRopeFields, kRopeOptions));
static_assert(same_options(kAttentionFields, kAttentionOptions));
static_assert(same_options(kSamplerFields, kSamplerOptions));
static_assert(same_options(kRunnerFields, kRunnerOptions));
static_assert(same_options(kSpeculationFields, kSpeculationOptions));
static_assert(same_options(kEmbedFields, kEmbedOptions));

template <class Field, class Value>
void value_to_c(Field& field, const Value& value) {
  if constexpr (!std::is_same_v<Value, std::string>) field = Field(value);  // texts are empty: NULL
}

// C callers may pass any number at all.
template <class Field, class Row, class Value>
void value_to_cpp(const Field& field, const Row& row, Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    const int number = number_of(field);
    if (!row.range.holds(number)) refuse_option(row.name, std::to_string(number), row.range);
    value = Value(number);
  } else if constexpr (std::is_same_v<Value, std::string>) {
    value = string_or_empty(field);
  } else {
    value = Value(field);
  }
}

template <class Fields, class C, class Cpp>
void to_c(const Fields& fields, C& c, const Cpp& cpp) {
  std::apply([&](const auto&... pairs) { (value_to_c(c.*pairs.first, cpp.*pairs.second), ...); }, fields);
}

template <class Fields, class Table, class C, class Cpp>
void from_c(const Fields& fields, const Table& table, const C& c, Cpp& cpp) {
  const auto take = [&](const auto& pair) {
    value_to_cpp(c.*pair.first, find_option(table, pair.second), cpp.*pair.second);
  };
  std::apply([&](const auto&... pairs) { (take(pairs), ...); }, fields);
}

std::vector<std::string> strings(const char* const* first, std::size_t count, const char* what) {
  std::vector<std::string> out;
  for (const char* text : elements(first, count, what)) out.emplace_back(&need(text, what));
  return out;
}

template <class C>
C zeros() {
  C options{};
  options.size = sizeof options;
  return options;
}

}  // namespace

template <>
lh_load_options defaults() {
  auto to = zeros<lh_load_options>();
  to_c(kLoadFields, to, LoadOptions());
  return to;
}
template <>
lh_session_options defaults() {
  auto to = zeros<lh_session_options>();
  const SessionOptions from;
  to_c(kSessionFields, to, from);
  to_c(kRopeFields, to, from.rope);
  to_c(kAttentionFields, to, from.attention);
  return to;
}
template <>
lh_sampler_options defaults() {
  return to_c(SamplerOptions());
}
template <>
lh_runner_options defaults() {
  auto to = zeros<lh_runner_options>();
  to_c(kRunnerFields, to, RunnerOptions());
  return to;
}
template <>
lh_chat_settings defaults() {
  auto to = zeros<lh_chat_settings>();
  const ChatSettings from;
  to.max_tokens = from.max_tokens;
  to.thinking = -1;
  to.context_shift = from.context_shift ? 1 : 0;
  to.keep = from.keep;
  to.reasoning_budget = from.reasoning_budget;
  to.reasoning_apart = from.reasoning_apart ? 1 : 0;
  return to;
}
template <>
lh_speculation_options defaults() {
  auto to = zeros<lh_speculation_options>();
  to_c(kSpeculationFields, to, SpeculationOptions());
  return to;
}
template <>
lh_embed_options defaults() {
  auto to = zeros<lh_embed_options>();
  to_c(kEmbedFields, to, EmbedOptions());
  return to;
}
template <>
lh_generate_options defaults() {
  auto to = zeros<lh_generate_options>();
  to.max_tokens = GenerateOptions().max_tokens;
  to.top_log_probabilities = GenerateOptions().top_log_probabilities;
  return to;
}
template <>
lh_chat_options defaults() {
  return zeros<lh_chat_options>();
}
template <>
lh_render_options defaults() {
  auto to = zeros<lh_render_options>();
  to.answer = 1;
  to.thinking = -1;
  return to;
}

lh_sampler_options to_c(const SamplerOptions& from) {
  auto to = zeros<lh_sampler_options>();
  to_c(kSamplerFields, to, from);
  return to;
}

LoadOptions to_cpp(const lh_load_options& from) {
  LoadOptions to;
  from_c(kLoadFields, kLoadOptions, from, to);
  to.name = string_or_empty(from.name);
  to.overrides = strings(from.overrides, from.override_count, "overrides");
  return to;
}

SessionOptions to_cpp(const lh_session_options& from) {
  SessionOptions to;
  from_c(kSessionFields, kSessionOptions, from, to);
  from_c(kRopeFields, kRopeOptions, from, to.rope);
  from_c(kAttentionFields, kAttentionOptions, from, to.attention);
  return to;
}

SamplerOptions to_cpp(const lh_sampler_options& from) {
  SamplerOptions to;
  from_c(kSamplerFields, kSamplerOptions, from, to);
  if (from.dry_breakers != nullptr)
    to.dry_breakers = strings(from.dry_breakers, from.dry_breaker_count, "dry_breakers");
  for (const lh_token_bias& bias : elements(from.logit_bias, from.logit_bias_count, "logit_bias"))
    to.logit_bias.emplace_back(bias.token, bias.bias);
  if (from.stages != nullptr) to.stages = parse_sampler_stages(from.stages);
  if (from.grammar != nullptr && from.json_schema != nullptr)
    throw Error(Errc::grammar, "both a grammar and a JSON schema are given; an answer can follow one");
  if (from.json_schema != nullptr) to.grammar = json_schema_to_gbnf(from.json_schema);
  return to;
}

SpeculationOptions to_cpp(const lh_speculation_options& from) {
  SpeculationOptions to;
  from_c(kSpeculationFields, kSpeculationOptions, from, to);
  if (from.draft != nullptr) to.draft = from.draft->model;
  return to;
}

EmbedOptions to_cpp(const lh_embed_options& from) {
  EmbedOptions to;
  from_c(kEmbedFields, kEmbedOptions, from, to);
  if (from.session != nullptr) to.session = to_cpp(read_options(from.session, "session options"));
  return to;
}

GenerateOptions to_cpp(const lh_generate_options& from) {
  GenerateOptions to;
  to.max_tokens = from.max_tokens;
  to.stop = strings(from.stop, from.stop_count, "stop");
  const auto written_out = tokens_of(from.written_out);
  to.written_out.assign(written_out.begin(), written_out.end());
  to.top_log_probabilities = from.top_log_probabilities;
  return to;
}

RunnerOptions to_cpp(const lh_runner_options& from) {
  RunnerOptions to;
  from_c(kRunnerFields, kRunnerOptions, from, to);
  return to;
}

ChatSettings to_cpp(const lh_chat_settings& from) {
  ChatSettings to;
  to.system = string_or_empty(from.system);
  if (from.sampler != nullptr) to.sampler = to_cpp(read_options(from.sampler, "sampler options"));
  to.max_tokens = from.max_tokens;
  to.stop = strings(from.stop, from.stop_count, "stop");
  if (from.thinking >= 0) to.thinking = from.thinking > 0;
  to.effort = string_or_empty(from.reasoning_effort);
  to.variables = string_or_empty(from.variables);
  to.context_shift = from.context_shift != 0;
  to.keep = from.keep;
  to.reasoning_budget = from.reasoning_budget;
  to.reasoning_apart = from.reasoning_apart != 0;
  return to;
}

ChatTemplateOptions to_cpp(const lh_chat_options& from) {
  return {.text = string_or_empty(from.template_text), .now = string_or_empty(from.now)};
}

namespace {

// A struct of another version gets what it has room for.
template <class Options>
void init(void* options, std::size_t size) {
  Options values = defaults<Options>();
  values.size = size;
  std::memcpy(options, &values, std::min(size, sizeof values));
}

// In the order of lh_options_kind.
constexpr std::array kInits = {
    init<lh_load_options>,  init<lh_session_options>, init<lh_sampler_options>,     init<lh_generate_options>,
    init<lh_chat_options>,  init<lh_render_options>,  init<lh_speculation_options>, init<lh_runner_options>,
    init<lh_chat_settings>, init<lh_embed_options>,   init<lh_scheduler_options>,   init<lh_request>};
static_assert(kInits.size() == LH_REQUEST + 1);

}  // namespace
}  // namespace longhand::c_api

void lh_options_init(lh_options_kind kind, void* options, size_t size) {
  if (options == nullptr) return;
  std::memset(options, 0, size);
  const auto index = std::size_t(longhand::c_api::number_of(kind));
  if (index >= longhand::c_api::kInits.size()) return;
  longhand::c_api::guarded(nullptr, [&] { longhand::c_api::kInits[index](options, size); });
}
