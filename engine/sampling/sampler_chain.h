// The chain of stages that draws a token from logits, with all it remembers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>

#include "engine/sampling/candidates.h"
#include "engine/sampling/dry.h"
#include "engine/sampling/grammar/grammar_filter.h"
#include "engine/sampling/mirostat.h"
#include "engine/sampling/penalties.h"
#include "engine/sampling/token_table.h"
#include "engine/types/sampler_options.h"
#include "ops/random.h"

namespace longhand {

/// A public Sampler does what its chain does; what is promised and thrown stands there.
class SamplerChain {
 public:
  SamplerChain(const SamplerOptions& options, TokenTable tokens);

  Token pick(std::span<const float> logits);
  void accept(std::span<const Token> added);
  void begin_text(int begins_quiet) noexcept {
    if (grammar_) grammar_->begin_text(begins_quiet);
  }
  void reset();
  std::uint32_t seed() const noexcept { return seed_; }

 private:
  void load(std::span<const float> logits);
  void run_stage(SamplerStage stage, Random& rng);
  std::optional<Token> choose(Random& rng);
  void push(Token token) noexcept;

  SamplerOptions options_;
  TokenTable tokens_;
  std::uint32_t seed_;
  Random random_;
  std::unordered_map<Token, float> bias_;
  Penalties penalties_;
  Dry dry_;
  Mirostat mirostat_;
  std::optional<GrammarFilter> grammar_;
  Candidates candidates_;
  std::size_t position_ = 0;  // tokens seen, for messages
};

}  // namespace longhand
