#include "engine/sampling/sampler_chain.h"

#include <fmt/format.h>

#include <limits>
#include <random>

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

SamplerChain::SamplerChain(const SamplerOptions& options, TokenTable tokens)
    : options_((check_sampler_options(options, tokens.size), options)),
      tokens_(std::move(tokens)),
      seed_(options.seed == kFreshSeed ? std::random_device()() : options.seed),
      random_(seed_),
      bias_(biases(options_, tokens_)),
      penalties_(options),
      dry_(options, tokens_.piece),
      mirostat_(options) {
  if (!options.grammar.empty()) grammar_.emplace(options.grammar, tokens_, options.grammar_trigger);
}

void SamplerChain::push(Token token) noexcept {
  penalties_.push(token);
  dry_.push(token);
  ++position_;
}

void SamplerChain::load(std::span<const float> logits) {
  if (logits.size() != std::size_t(tokens_.size)) {
    throw Error(Errc::shape,
                fmt::format("{} logits for a vocabulary of {} tokens", logits.size(), tokens_.size));
  }
  if (const auto bad = candidates_.load(logits)) {
    throw Error(Errc::nonfinite, fmt::format("after {} tokens: the logit of token {} is {}", position_, *bad,
                                             logits[std::size_t(*bad)]));
  }
  for (const auto& [token, value] : bias_) {
    float& logit = candidates_.logits()[std::size_t(token)];
    logit = std::min(logit + value, std::numeric_limits<float>::max());
  }
}

void SamplerChain::run_stage(SamplerStage stage, Random& rng) {
  const SamplerOptions& o = options_;
  const auto min_keep = std::size_t(o.min_keep);
  switch (stage) {
    case SamplerStage::penalties:
      return penalties_.apply(candidates_);
    case SamplerStage::dry:
      return dry_.apply(candidates_);
    case SamplerStage::top_n_sigma:
      if (o.top_n_sigma > 0) longhand::top_n_sigma(candidates_, o.top_n_sigma);
      return;
    case SamplerStage::top_k:
      if (o.top_k > 0) longhand::top_k(candidates_, std::size_t(std::max(o.top_k, o.min_keep)));
      return;
    case SamplerStage::typical_p:
      if (o.typical_p < 1) longhand::typical_p(candidates_, o.typical_p, min_keep);
      return;
    case SamplerStage::top_p:
      if (o.top_p < 1) longhand::top_p(candidates_, o.top_p, min_keep);
      return;
    case SamplerStage::min_p:
      if (o.min_p > 0) longhand::min_p(candidates_, o.min_p, min_keep);
      return;
    case SamplerStage::xtc:
      if (o.xtc_probability > 0 && o.xtc_threshold <= 0.5f) {
        longhand::xtc(candidates_, {o.xtc_probability, o.xtc_threshold, min_keep}, rng);
      }
      return;
    case SamplerStage::temperature:
      return longhand::temperature(candidates_, {o.temperature, o.dynatemp_range, o.dynatemp_exponent});
  }
}

// Nothing if every candidate is -inf.
std::optional<Token> SamplerChain::choose(Random& rng) {
  const bool greedy = options_.temperature <= 0;
  const bool filters = !greedy && options_.mirostat == 0;
  for (const SamplerStage stage : options_.stages) {
    const bool penalty = stage == SamplerStage::penalties || stage == SamplerStage::dry;
    const bool warmth = stage == SamplerStage::temperature;
    if (penalty || filters || (warmth && !greedy)) run_stage(stage, rng);
  }
  const auto best = candidates_.best();
  if (!best) return std::nullopt;
  if (greedy) return best->id;
  if (options_.mirostat == 0) return draw(candidates_, rng).id;
  return mirostat_.draw(candidates_, std::size_t(tokens_.size), rng).id;
}

Token SamplerChain::pick(std::span<const float> logits) {
  Random rng = random_;  // taken over only when nothing can fail any more
  load(logits);
  std::optional<Token> token = choose(rng);
  if (!token) throw Error(Errc::nonfinite, fmt::format("after {} tokens: all logits are -inf", position_));
  // Most tokens_ fit, so one is tried before the whole vocabulary is.
  if (grammar_ && !grammar_->allows(*token)) {
    load(logits);
    grammar_->mask(candidates_.logits());
    token = choose(rng);
    if (!token)
      throw Error(Errc::grammar, fmt::format("after {} tokens: the grammar allows no token", position_));
  }
  penalties_.prepare(*token);
  dry_.prepare(*token);
  if (grammar_) grammar_->accept(*token);
  push(*token);
  random_ = rng;
  if (options_.mirostat != 0 && options_.temperature > 0) mirostat_.commit();
  return *token;
}

void SamplerChain::accept(std::span<const Token> added) {
  for (const Token token : added) {
    if (token < 0 || token >= tokens_.size)
      throw Error(Errc::range, fmt::format("token {} must be 0..{}", token, tokens_.size - 1));
  }
  Penalties with_added = penalties_;
  Dry dry_with_added = dry_;
  for (const Token token : added) {
    with_added.prepare(token);
    with_added.push(token);
    dry_with_added.prepare(token);
    dry_with_added.push(token);
  }
  penalties_ = std::move(with_added);
  dry_ = std::move(dry_with_added);
  position_ += added.size();
}

void SamplerChain::reset() {
  random_ = Random(seed_);
  penalties_.clear();
  dry_.clear();
  mirostat_.clear();
  if (grammar_) grammar_->reset();
  position_ = 0;
}

}  // namespace longhand
