#include "engine/longhand_c_options.h"

#include <array>

#include "engine/grammar/json_schema.h"
#include "engine/longhand_c_handles.h"

namespace longhand::c_api {
namespace {

// Enumerators of both interfaces have the same numbers.
static_assert(LH_CACHE_BF16 == static_cast<int>(CacheType::bf16));
static_assert(LH_ROPE_YARN == static_cast<int>(RopeScaling::yarn));

// How one field goes from C++ to C ...
struct ToC {
  template <class C, class Cpp>
  void operator()(C& c, const Cpp& cpp) const {
    if constexpr (!std::is_same_v<Cpp, std::string>) c = static_cast<C>(cpp);  // texts are empty: NULL
  }
  template <class C, class Enum>
  void operator()(C& c, Enum cpp, Enum, const char*) const {
    c = static_cast<C>(cpp);
  }
};
// ... and back.
struct ToCpp {
  template <class C, class Cpp>
  void operator()(const C& c, Cpp& cpp) const {
    if constexpr (std::is_same_v<Cpp, bool>)
      cpp = c != 0;
    else if constexpr (std::is_same_v<Cpp, std::string>)
      cpp = c == nullptr ? "" : c;
    else
      cpp = c;
  }
  // C callers may pass any number at all.
  template <class C, class Enum>
  void operator()(const C& c, Enum& cpp, Enum last, const char* name) const {
    const int value = number_of(c);
    if (value < 0 || value > static_cast<int>(last)) {
      throw Error(Errc::range, fmt::format("{} is {}, must be 0..{}", name, value, static_cast<int>(last)));
    }
    cpp = static_cast<Enum>(value);
  }
};

// The fields that each struct has in both languages: copy(c, cpp) for each.
template <class C, class Cpp, class Copy>
void each_load_field(C& c, Cpp&& cpp, Copy copy) {
  copy(c.repack, cpp.repack);
  copy(c.threads, cpp.threads);
  copy(c.isa, cpp.isa);
}

template <class C, class Cpp, class Copy>
void each_session_field(C& c, Cpp&& cpp, Copy copy) {
  copy(c.context, cpp.context);
  copy(c.threads, cpp.threads);
  copy(c.prefill_threads, cpp.prefill_threads);
  copy(c.batch, cpp.batch);
  copy(c.key_cache, cpp.key_cache, CacheType::bf16, "key_cache");
  copy(c.value_cache, cpp.value_cache, CacheType::bf16, "value_cache");
  copy(c.rope_scaling, cpp.rope.scaling, RopeScaling::yarn, "rope_scaling");
  copy(c.rope_factor, cpp.rope.factor);
  copy(c.rope_auto_factor, cpp.rope.auto_factor);
  copy(c.rope_base, cpp.rope.base);
  copy(c.rope_original_context, cpp.rope.original_context);
  copy(c.yarn_beta_fast, cpp.rope.yarn_beta_fast);
  copy(c.yarn_beta_slow, cpp.rope.yarn_beta_slow);
  copy(c.yarn_ext_factor, cpp.rope.yarn_ext_factor);
  copy(c.memory, cpp.attention.memory);
  copy(c.window, cpp.attention.window);
  copy(c.sinks, cpp.attention.sinks);
  copy(c.far, cpp.attention.far);
  copy(c.leak, cpp.attention.leak);
  copy(c.codes, cpp.attention.codes);
  copy(c.features, cpp.attention.features);
  copy(c.weighted, cpp.attention.weighted);
  copy(c.second_order, cpp.attention.second_order);
  copy(c.exact, cpp.attention.exact);
  copy(c.checkpoints, cpp.attention.checkpoints);
  copy(c.log_n, cpp.attention.log_n);
}

template <class C, class Cpp, class Copy>
void each_sampler_field(C& c, Cpp&& cpp, Copy copy) {
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
  copy(c.ignore_eos, cpp.ignore_eos);
  copy(c.grammar, cpp.grammar);
}

template <class C, class Cpp, class Copy>
void each_speculation_field(C& c, Cpp&& cpp, Copy copy) {
  copy(c.most, cpp.most);
  copy(c.adapt, cpp.adapt);
}

template <class C, class Cpp, class Copy>
void each_generate_field(C& c, Cpp&& cpp, Copy copy) {
  copy(c.max_tokens, cpp.max_tokens);
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
  each_load_field(to, LoadOptions(), ToC());
  return to;
}
template <>
lh_session_options defaults() {
  auto to = zeros<lh_session_options>();
  each_session_field(to, SessionOptions(), ToC());
  return to;
}
template <>
lh_sampler_options defaults() {
  auto to = zeros<lh_sampler_options>();
  each_sampler_field(to, SamplerOptions(), ToC());
  return to;
}
template <>
lh_speculation_options defaults() {
  auto to = zeros<lh_speculation_options>();
  each_speculation_field(to, SpeculationOptions(), ToC());
  return to;
}
template <>
lh_generate_options defaults() {
  auto to = zeros<lh_generate_options>();
  each_generate_field(to, GenerateOptions(), ToC());
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

LoadOptions to_cpp(const lh_load_options& from) {
  LoadOptions to;
  each_load_field(from, to, ToCpp());
  return to;
}

SessionOptions to_cpp(const lh_session_options& from) {
  SessionOptions to;
  each_session_field(from, to, ToCpp());
  return to;
}

SamplerOptions to_cpp(const lh_sampler_options& from) {
  SamplerOptions to;
  each_sampler_field(from, to, ToCpp());
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
  each_speculation_field(from, to, ToCpp());
  if (from.draft != nullptr) to.draft = from.draft->model;
  return to;
}

GenerateOptions to_cpp(const lh_generate_options& from) {
  GenerateOptions to;
  each_generate_field(from, to, ToCpp());
  to.stop = strings(from.stop, from.stop_count, "stop");
  const auto written_out = tokens_of(from.written_out);
  to.written_out.assign(written_out.begin(), written_out.end());
  return to;
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
    init<lh_load_options>, init<lh_session_options>, init<lh_sampler_options>,    init<lh_generate_options>,
    init<lh_chat_options>, init<lh_render_options>,  init<lh_speculation_options>};
static_assert(kInits.size() == LH_SPECULATION_OPTIONS + 1);

}  // namespace
}  // namespace longhand::c_api

void lh_options_init(lh_options_kind kind, void* options, size_t size) {
  if (options == nullptr) return;
  std::memset(options, 0, size);
  const auto index = static_cast<std::size_t>(longhand::c_api::number_of(kind));
  if (index >= longhand::c_api::kInits.size()) return;
  longhand::c_api::guarded(nullptr, [&] { longhand::c_api::kInits[index](options, size); });
}
