#include "engine/sampling/sampler.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <random>
#include <unordered_map>

#include "engine/grammar/grammar_filter.h"
#include "engine/memory_errors.h"
#include "engine/model.h"
#include "engine/random.h"
#include "engine/sampling/candidates.h"
#include "engine/sampling/dry.h"
#include "engine/sampling/mirostat.h"
#include "engine/sampling/penalties.h"
#include "engine/sampling/sampler_options.h"
#include "engine/sampling/sampler_stages.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::uint32_t kFreshSeed = 0xFFFFFFFF;
constexpr float kNever = -std::numeric_limits<float>::infinity();

std::unordered_map<Token, float> biases(const SamplerOptions& options, const TokenTable& tokens) {
  std::unordered_map<Token, float> bias;
  for (const auto& [token, value] : options.logit_bias) bias[token] += value;
  for (const Token token : tokens.suppressed) {
    if (token >= 0 && token < tokens.size) bias[token] = kNever;
  }
  if (options.ignore_eos) {
    for (Token token = 0; token < tokens.size; ++token) {
      if (tokens.ends_generation(token)) bias[token] = kNever;
    }
  }
  return bias;
}

}  // namespace

struct Sampler::Impl {
  Impl(const SamplerOptions& o, TokenTable table)
      : options((check_sampler_options(o, table.size), o)),
        tokens(std::move(table)),
        seed(o.seed == kFreshSeed ? std::random_device()() : o.seed),
        random(seed),
        bias(biases(options, tokens)),
        penalties(options),
        dry(options, tokens.piece),
        mirostat(options) {
    if (!options.grammar.empty()) grammar.emplace(options.grammar, tokens);
  }

  void load(std::span<const float> logits);
  void run_stage(SamplerStage stage, Random& rng);
  std::optional<Token> choose(Random& rng);
  Token pick(std::span<const float> logits);
  void accept(std::span<const Token> added);
  void push(Token token) noexcept {
    penalties.push(token);
    dry.push(token);
    ++position;
  }

  std::optional<Model> keep_alive;
  SamplerOptions options;
  TokenTable tokens;
  std::uint32_t seed;
  Random random;
  std::unordered_map<Token, float> bias;
  Penalties penalties;
  Dry dry;
  Mirostat mirostat;
  std::optional<GrammarFilter> grammar;
  Candidates candidates;
  std::size_t position = 0;  // tokens seen, for messages
};

void Sampler::Impl::load(std::span<const float> logits) {
  if (logits.size() != static_cast<std::size_t>(tokens.size)) {
    throw Error(Errc::shape,
                fmt::format("{} logits for a vocabulary of {} tokens", logits.size(), tokens.size));
  }
  if (const auto bad = candidates.load(logits)) {
    throw Error(Errc::nonfinite, fmt::format("after {} tokens: the logit of token {} is {}", position, *bad,
                                             logits[static_cast<std::size_t>(*bad)]));
  }
  for (const auto& [token, value] : bias) {
    float& logit = candidates.logits()[static_cast<std::size_t>(token)];
    logit = std::min(logit + value, std::numeric_limits<float>::max());
  }
}

void Sampler::Impl::run_stage(SamplerStage stage, Random& rng) {
  const SamplerOptions& o = options;
  const auto min_keep = static_cast<std::size_t>(o.min_keep);
  switch (stage) {
    case SamplerStage::penalties:
      return penalties.apply(candidates);
    case SamplerStage::dry:
      return dry.apply(candidates);
    case SamplerStage::top_n_sigma:
      if (o.top_n_sigma > 0) longhand::top_n_sigma(candidates, o.top_n_sigma);
      return;
    case SamplerStage::top_k:
      if (o.top_k > 0) longhand::top_k(candidates, static_cast<std::size_t>(std::max(o.top_k, o.min_keep)));
      return;
    case SamplerStage::typical_p:
      if (o.typical_p < 1) longhand::typical_p(candidates, o.typical_p, min_keep);
      return;
    case SamplerStage::top_p:
      if (o.top_p < 1) longhand::top_p(candidates, o.top_p, min_keep);
      return;
    case SamplerStage::min_p:
      if (o.min_p > 0) longhand::min_p(candidates, o.min_p, min_keep);
      return;
    case SamplerStage::xtc:
      if (o.xtc_probability > 0 && o.xtc_threshold <= 0.5f) {
        longhand::xtc(candidates, {o.xtc_probability, o.xtc_threshold, min_keep}, rng);
      }
      return;
    case SamplerStage::temperature:
      return longhand::temperature(candidates, {o.temperature, o.dynatemp_range, o.dynatemp_exponent});
  }
}

// Nothing if every candidate is -inf.
std::optional<Token> Sampler::Impl::choose(Random& rng) {
  const bool greedy = options.temperature <= 0;
  const bool filters = !greedy && options.mirostat == 0;
  for (const SamplerStage stage : options.stages) {
    const bool penalty = stage == SamplerStage::penalties || stage == SamplerStage::dry;
    const bool warmth = stage == SamplerStage::temperature;
    if (penalty || filters || (warmth && !greedy)) run_stage(stage, rng);
  }
  const auto best = candidates.best();
  if (!best) return std::nullopt;
  if (greedy) return best->id;
  if (options.mirostat == 0) return draw(candidates, rng).id;
  return mirostat.draw(candidates, static_cast<std::size_t>(tokens.size), rng).id;
}

Token Sampler::Impl::pick(std::span<const float> logits) {
  Random rng = random;  // taken over only when nothing can fail any more
  load(logits);
  std::optional<Token> token = choose(rng);
  if (!token) throw Error(Errc::nonfinite, fmt::format("after {} tokens: all logits are -inf", position));
  // Most tokens fit, so one is tried before the whole vocabulary is.
  if (grammar && !grammar->allows(*token)) {
    load(logits);
    grammar->mask(candidates.logits());
    token = choose(rng);
    if (!token)
      throw Error(Errc::grammar, fmt::format("after {} tokens: the grammar allows no token", position));
  }
  penalties.prepare(*token);
  dry.prepare(*token);
  if (grammar) grammar->accept(*token);
  push(*token);
  random = rng;
  if (options.mirostat != 0 && options.temperature > 0) mirostat.commit();
  return *token;
}

void Sampler::Impl::accept(std::span<const Token> added) {
  for (const Token token : added) {
    if (token < 0 || token >= tokens.size)
      throw Error(Errc::range, fmt::format("token {} must be 0..{}", token, tokens.size - 1));
  }
  Penalties with_added = penalties;
  Dry dry_with_added = dry;
  for (const Token token : added) {
    with_added.prepare(token);
    with_added.push(token);
    dry_with_added.prepare(token);
    dry_with_added.push(token);
  }
  penalties = std::move(with_added);
  dry = std::move(dry_with_added);
  position += added.size();
}

Sampler::Sampler(const SamplerOptions& options, TokenTable tokens)
    : impl_(translate_memory_errors([&] { return std::make_unique<Impl>(options, std::move(tokens)); })) {}
Sampler::Sampler(const Model& model, const SamplerOptions& options)
    : Sampler(options, model.data().tokenizer) {
  impl_->keep_alive = model;
}
Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;
Sampler& Sampler::operator=(Sampler&&) noexcept = default;

Token Sampler::pick(std::span<const float> logits) {
  return translate_memory_errors([&] { return impl_->pick(logits); });
}

void Sampler::accept(std::span<const Token> tokens) {
  translate_memory_errors([&] { impl_->accept(tokens); });
}

void Sampler::reset() {
  Impl& s = *impl_;
  s.random = Random(s.seed);
  s.penalties.clear();
  s.dry.clear();
  s.mirostat.clear();
  if (s.grammar) s.grammar->reset();
  s.position = 0;
}

std::uint32_t Sampler::seed() const noexcept { return impl_->seed; }

}  // namespace longhand
