#include "engine/longhand_c_options.h"

#include "engine/grammar/json_schema.h"
#include "engine/longhand_c_guard.h"

namespace longhand::c_api {
namespace {

// Enumerators of both interfaces have the same numbers, and C callers may pass any number at all.
template <class Enum>
Enum enumerator(int value, Enum last, const char* what) {
  if (value < 0 || value > static_cast<int>(last)) {
    throw Error(Errc::range, fmt::format("{} is {}, must be 0..{}", what, value, static_cast<int>(last)));
  }
  return static_cast<Enum>(value);
}
static_assert(LH_CACHE_Q8_0 == static_cast<int>(CacheType::q8_0));
static_assert(LH_ROPE_YARN == static_cast<int>(RopeScaling::yarn));

std::vector<std::string> strings(const char* const* first, std::size_t count, const char* what) {
  std::vector<std::string> out;
  for (const char* text : elements(first, count, what)) out.emplace_back(&need(text, what));
  return out;
}

// Options that are plain numbers under one name in both languages: copy(c, cpp) for each.
template <class C, class Cpp, class Copy>
void each_session_number(C& c, Cpp& cpp, Copy copy) {
  copy(c.context, cpp.context);
  copy(c.threads, cpp.threads);
  copy(c.batch, cpp.batch);
  copy(c.rope_factor, cpp.rope.factor);
  copy(c.rope_base, cpp.rope.base);
  copy(c.rope_original_context, cpp.rope.original_context);
  copy(c.yarn_beta_fast, cpp.rope.yarn_beta_fast);
  copy(c.yarn_beta_slow, cpp.rope.yarn_beta_slow);
  copy(c.yarn_ext_factor, cpp.rope.yarn_ext_factor);
  copy(c.window, cpp.attention.window);
  copy(c.sinks, cpp.attention.sinks);
  copy(c.far, cpp.attention.far);
  copy(c.leak, cpp.attention.leak);
  copy(c.codes, cpp.attention.codes);
  copy(c.features, cpp.attention.features);
  copy(c.log_n, cpp.attention.log_n);
}

template <class C, class Cpp, class Copy>
void each_sampler_number(C& c, Cpp& cpp, Copy copy) {
  copy(c.seed, cpp.seed);
  copy(c.temperature, cpp.temperature);
  copy(c.dynatemp_range, cpp.dynatemp_range);
  copy(c.dynatemp_exponent, cpp.dynatemp_exponent);
  copy(c.top_k, cpp.top_k);
  copy(c.top_p, cpp.top_p);
  copy(c.min_p, cpp.min_p);
  copy(c.typical_p, cpp.typical_p);
  copy(c.top_n_sigma, cpp.top_n_sigma);
  copy(c.xtc_probability, cpp.xtc_probability);
  copy(c.xtc_threshold, cpp.xtc_threshold);
  copy(c.min_keep, cpp.min_keep);
  copy(c.penalty_last_n, cpp.penalty_last_n);
  copy(c.repeat_penalty, cpp.repeat_penalty);
  copy(c.frequency_penalty, cpp.frequency_penalty);
  copy(c.presence_penalty, cpp.presence_penalty);
  copy(c.dry_multiplier, cpp.dry_multiplier);
  copy(c.dry_base, cpp.dry_base);
  copy(c.dry_allowed_length, cpp.dry_allowed_length);
  copy(c.dry_penalty_last_n, cpp.dry_penalty_last_n);
  copy(c.mirostat, cpp.mirostat);
  copy(c.mirostat_tau, cpp.mirostat_tau);
  copy(c.mirostat_eta, cpp.mirostat_eta);
}

constexpr auto kToC = [](auto& c, const auto& cpp) { c = cpp; };
constexpr auto kToCpp = [](const auto& c, auto& cpp) { cpp = c; };

}  // namespace

lh_load_options load_defaults() noexcept {
  lh_load_options to = {};
  to.size = sizeof to;
  to.repack = 1;
  return to;
}

LoadOptions load_options(const lh_load_options& from) {
  LoadOptions to;
  to.repack = from.repack != 0;
  to.threads = from.threads;
  to.isa = string_or_empty(from.isa);
  return to;
}

lh_session_options session_defaults() noexcept {
  lh_session_options to = {};
  to.size = sizeof to;
  const SessionOptions from;
  each_session_number(to, from, kToC);
  to.key_cache = static_cast<lh_cache_type>(from.key_cache);
  to.value_cache = static_cast<lh_cache_type>(from.value_cache);
  to.rope_scaling = static_cast<lh_rope_scaling>(from.rope.scaling);
  to.rope_auto_factor = from.rope.auto_factor ? 1 : 0;
  return to;
}

SessionOptions session_options(const lh_session_options& from) {
  SessionOptions to;
  each_session_number(from, to, kToCpp);
  to.key_cache = enumerator(from.key_cache, CacheType::q8_0, "key_cache");
  to.value_cache = enumerator(from.value_cache, CacheType::q8_0, "value_cache");
  to.rope.scaling = enumerator(from.rope_scaling, RopeScaling::yarn, "rope_scaling");
  to.rope.auto_factor = from.rope_auto_factor != 0;
  to.attention.memory = string_or_empty(from.memory);
  return to;
}

lh_sampler_options sampler_defaults() {
  lh_sampler_options to = {};
  to.size = sizeof to;
  const SamplerOptions from;
  each_sampler_number(to, from, kToC);
  to.ignore_eos = from.ignore_eos ? 1 : 0;
  return to;
}

SamplerOptions sampler_options(const lh_sampler_options& from) {
  SamplerOptions to;
  each_sampler_number(from, to, kToCpp);
  to.ignore_eos = from.ignore_eos != 0;
  if (from.dry_breakers != nullptr)
    to.dry_breakers = strings(from.dry_breakers, from.dry_breaker_count, "dry_breakers");
  for (const lh_token_bias& bias : elements(from.logit_bias, from.logit_bias_count, "logit_bias"))
    to.logit_bias.emplace_back(bias.token, bias.bias);
  if (from.stages != nullptr) to.stages = parse_sampler_stages(from.stages);
  if (from.grammar != nullptr && from.json_schema != nullptr)
    throw Error(Errc::grammar, "both a grammar and a JSON schema are given; an answer can follow one");
  if (from.grammar != nullptr) to.grammar = from.grammar;
  if (from.json_schema != nullptr) to.grammar = json_schema_to_gbnf(from.json_schema);
  return to;
}

lh_generate_options generate_defaults() noexcept {
  lh_generate_options to = {};
  to.size = sizeof to;
  to.max_tokens = GenerateOptions().max_tokens;
  return to;
}

GenerateOptions generate_options(const lh_generate_options& from) {
  GenerateOptions to;
  to.max_tokens = from.max_tokens;
  to.stop = strings(from.stop, from.stop_count, "stop");
  const auto written_out = tokens_of(from.written_out);
  to.written_out.assign(written_out.begin(), written_out.end());
  return to;
}

lh_chat_options chat_defaults() noexcept {
  lh_chat_options to = {};
  to.size = sizeof to;
  return to;
}

lh_render_options render_defaults() noexcept {
  lh_render_options to = {};
  to.size = sizeof to;
  to.answer = 1;
  to.thinking = -1;
  return to;
}

namespace {

// A struct of another version gets what it has room for; what it has beyond ours stays zero.
template <class T, class Defaults>
void init(T* options, std::size_t size, const Defaults& defaults) noexcept {
  if (options == nullptr) return;
  std::memset(static_cast<void*>(options), 0, size);
  guarded(nullptr, [&] {
    T values = defaults();
    values.size = size;
    std::memcpy(static_cast<void*>(options), &values, std::min(size, sizeof(T)));
  });
}

}  // namespace
}  // namespace longhand::c_api

using namespace longhand;

void lh_load_options_init(lh_load_options* options, size_t size) {
  c_api::init(options, size, c_api::load_defaults);
}
void lh_session_options_init(lh_session_options* options, size_t size) {
  c_api::init(options, size, c_api::session_defaults);
}
void lh_sampler_options_init(lh_sampler_options* options, size_t size) {
  c_api::init(options, size, c_api::sampler_defaults);
}
void lh_generate_options_init(lh_generate_options* options, size_t size) {
  c_api::init(options, size, c_api::generate_defaults);
}
void lh_chat_options_init(lh_chat_options* options, size_t size) {
  c_api::init(options, size, c_api::chat_defaults);
}
void lh_render_options_init(lh_render_options* options, size_t size) {
  c_api::init(options, size, c_api::render_defaults);
}
