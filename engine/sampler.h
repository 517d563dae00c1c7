// From logits to the next token: a chain of filters as data.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loaders/vocab.h"

namespace longhand {

/// The stages of the chain. Names as users write them in --samplers.
enum class SamplerStage : std::uint8_t {
  penalties,
  dry,
  top_n_sigma,
  top_k,
  typical_p,
  top_p,
  min_p,
  xtc,
  temperature
};

/// Defaults are those users of this field expect. A value that switches a stage off is named beside it.
struct SamplerOptions {
  std::uint32_t seed = 0xFFFFFFFF;  ///< 0xFFFFFFFF: a fresh seed from the system
  float temperature = 0.8f;         ///< <= 0: always the most likely token
  float dynatemp_range = 0.0f;      ///< 0 off
  float dynatemp_exponent = 1.0f;
  int top_k = 40;                ///< <= 0 off
  float top_p = 0.95f;           ///< 1 off
  float min_p = 0.05f;           ///< 0 off
  float typical_p = 1.0f;        ///< 1 off
  float top_n_sigma = -1.0f;     ///< <= 0 off
  float xtc_probability = 0.0f;  ///< 0 off
  float xtc_threshold = 0.1f;    ///< > 0.5 off
  int min_keep = 0;              ///< filters keep at least so many tokens
  int penalty_last_n = 64;       ///< tokens looked back at; 0 off, -1 all
  float repeat_penalty = 1.0f;   ///< 1 off
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  float dry_multiplier = 0.0f;  ///< 0 off
  float dry_base = 1.75f;
  int dry_allowed_length = 2;
  int dry_penalty_last_n = -1;
  std::vector<std::string> dry_breakers = {"\n", ":", "\"", "*"};
  int mirostat = 0;  ///< 1 or 2 replace the filters; penalties, dry and temperature stay
  float mirostat_tau = 5.0f;
  float mirostat_eta = 0.1f;
  bool ignore_eos = false;  ///< never end by itself
  std::vector<std::pair<Token, float>> logit_bias;
  std::vector<SamplerStage> stages = {
      SamplerStage::penalties, SamplerStage::dry,       SamplerStage::top_n_sigma,
      SamplerStage::top_k,     SamplerStage::typical_p, SamplerStage::top_p,
      SamplerStage::min_p,     SamplerStage::xtc,       SamplerStage::temperature};
  std::string grammar;  ///< GBNF text; empty: none
};

/// "penalties;dry;top_k" or the short form "edskypmxt", one letter a stage in the order of the enum. Throws
/// Error (range) naming an unknown stage.
std::vector<SamplerStage> parse_sampler_stages(std::string_view text);

class Tokenizer;

/// All that sampling asks of a vocabulary.
struct TokenTable {
  int size = 0;                             ///< ids are 0 .. size - 1
  std::function<std::string(Token)> piece;  ///< raw bytes as streamed; control tokens give nothing
  std::function<bool(Token)> ends_generation;
  std::function<Token(std::string_view)> find;  ///< the one token written so, or kNoToken
  std::vector<Token> suppressed;                ///< never drawn
};
/// The view of `tokenizer`, which must outlive it.
TokenTable token_table(const Tokenizer& tokenizer);

/// One per conversation; not shared between threads.
///
/// The same seed, options and logits give the same tokens on every platform: random numbers, exponentials and
/// the order of every sum are the library's own.
class Sampler {
 public:
  /// `tokenizer` must outlive the sampler. Throws Error: range (a value that is NaN or out of bounds),
  /// grammar.
  Sampler(const SamplerOptions& options, const Tokenizer& tokenizer);
  Sampler(const SamplerOptions& options, TokenTable tokens);
  ~Sampler();
  Sampler(Sampler&&) noexcept;
  Sampler& operator=(Sampler&&) noexcept;

  /// Draws the next token from `logits` (vocab) and remembers it. Never sorts the whole vocabulary.
  /// -inf marks a token that may not be drawn. Throws Error, and then has changed nothing: shape (wrong
  /// number of logits), nonfinite (NaN or +inf logits, or all are -inf), grammar (no token is allowed).
  Token pick(std::span<const float> logits);
  /// Remembers tokens that were not sampled (the prompt), for penalties. The grammar does not see them.
  void accept(std::span<const Token> tokens);
  /// Forgets everything but the options; the random sequence starts anew from the seed.
  void reset();
  std::uint32_t seed() const noexcept;  // the one really used

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhand
