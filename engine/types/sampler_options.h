// How the next token is drawn.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/types/option.h"
#include "engine/types/token.h"
#include "ops/error.h"

namespace longhand {

/// The stages of the chain.
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

/// What has to appear in a text before a grammar holds, and where it does not count.
struct GrammarTrigger {
  struct Start {
    std::string text;       ///< found anywhere in the text, also across tokens; not empty
    std::string fed = {};   ///< what the grammar is given in its place, before what follows it
    bool at_start = false;  ///< counts only where nothing but white space, and what is quiet, came before
  };
  /// Between `open` and the next of `close` nothing counts.
  struct Quiet {
    std::string open;
    std::vector<std::string> close = {};
  };
  std::vector<Start> starts = {};  ///< none: the grammar holds from the first token
  std::vector<Quiet> quiet = {};
  int begins_quiet = -1;  ///< the text begins inside quiet[begins_quiet]; -1: outside of all
  std::vector<Token> written_out =
      {};  ///< control tokens that are part of the text; others add nothing to it
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
  std::vector<std::pair<Token, float>> logit_bias = {};
  std::vector<SamplerStage> stages = {
      SamplerStage::penalties, SamplerStage::dry,       SamplerStage::top_n_sigma,
      SamplerStage::top_k,     SamplerStage::typical_p, SamplerStage::top_p,
      SamplerStage::min_p,     SamplerStage::xtc,       SamplerStage::temperature};
  std::string grammar = {};             ///< GBNF text; empty: none
  GrammarTrigger grammar_trigger = {};  ///< where it begins to hold
};

/// A million keeps every product with a logit finite in double.
inline constexpr double kMaxSampling = 1e6;

// clang-format off
inline constexpr std::tuple kSamplerOptions = {
    Option{"sampler.seed", &SamplerOptions::seed, {0, 0xFFFFFFFF}, "Seed of the random numbers; 4294967295: a fresh one"},
    Option{"sampler.temperature", &SamplerOptions::temperature, {-kMaxSampling, kMaxSampling},
           "Temperature; 0: always the most likely token"},
    Option{"sampler.dynatemp_range", &SamplerOptions::dynatemp_range, {0, kMaxSampling},
           "Temperature varies by this much with entropy; 0: off"},
    Option{"sampler.dynatemp_exponent", &SamplerOptions::dynatemp_exponent, {0, kMaxSampling},
           "How it varies with entropy"},
    Option{"sampler.top_k", &SamplerOptions::top_k, {std::numeric_limits<int>::min(), std::numeric_limits<int>::max()},
           "Keep the K most likely; 0: off"},
    Option{"sampler.top_p", &SamplerOptions::top_p, {0, 1}, "Keep the most likely up to this probability; 1: off"},
    Option{"sampler.min_p", &SamplerOptions::min_p, {0, 1},
           "Keep what is this much as likely as the most likely; 0: off"},
    Option{"sampler.typical_p", &SamplerOptions::typical_p, {0, 1},
           "Keep the most typical up to this probability; 1: off"},
    Option{"sampler.top_n_sigma", &SamplerOptions::top_n_sigma, {-kMaxSampling, kMaxSampling},
           "Keep logits within N deviations of the largest; -1: off"},
    Option{"sampler.xtc_probability", &SamplerOptions::xtc_probability, {0, 1},
           "How often to drop top choices; 0: off"},
    Option{"sampler.xtc_threshold", &SamplerOptions::xtc_threshold, {0, 1}, "Probability that makes a top choice"},
    Option{"sampler.min_keep", &SamplerOptions::min_keep, {0, std::numeric_limits<int>::max()},
           "Tokens that filters keep at least"},
    Option{"sampler.penalty_last_n", &SamplerOptions::penalty_last_n, {-1, std::numeric_limits<int>::max()},
           "Tokens that count as repeated; -1: all, 0: off"},
    Option{"sampler.repeat_penalty", &SamplerOptions::repeat_penalty, {1e-7, kMaxSampling},
           "Divides logits of repeated tokens; 1: off"},
    Option{"sampler.frequency_penalty", &SamplerOptions::frequency_penalty, {-kMaxSampling, kMaxSampling},
           "Taken off logits of repeated tokens for each time"},
    Option{"sampler.presence_penalty", &SamplerOptions::presence_penalty, {-kMaxSampling, kMaxSampling},
           "Taken off logits of repeated tokens"},
    Option{"sampler.dry_multiplier", &SamplerOptions::dry_multiplier, {0, kMaxSampling},
           "DRY: strength against repeated sequences; 0: off"},
    Option{"sampler.dry_base", &SamplerOptions::dry_base, {1, kMaxSampling}, "DRY: growth with each further token"},
    Option{"sampler.dry_allowed_length", &SamplerOptions::dry_allowed_length, {0, std::numeric_limits<int>::max()},
           "DRY: repetitions up to this length are free"},
    Option{"sampler.dry_penalty_last_n", &SamplerOptions::dry_penalty_last_n, {-1, std::numeric_limits<int>::max()},
           "DRY: tokens looked back at; -1: all, 0: off"},
    Option{"sampler.mirostat", &SamplerOptions::mirostat, {0, 2}, "Mirostat 1 or 2 instead of filters; 0: off"},
    Option{"sampler.mirostat_tau", &SamplerOptions::mirostat_tau, {0, kMaxSampling},
           "Surprise Mirostat aims at, in bits"},
    Option{"sampler.mirostat_eta", &SamplerOptions::mirostat_eta, {0, kMaxSampling}, "Learning rate of Mirostat"},
    Option{"sampler.ignore_eos", &SamplerOptions::ignore_eos, {}, "Never end by itself"},
    Option{"sampler.grammar", &SamplerOptions::grammar, {}, "GBNF grammar the text must follow"},
};
// clang-format on

/// "penalties;dry;top_k" or the short form "edskypmxt", one letter a stage in the order of the enum. Throws
/// Error (range) naming an unknown stage.
LONGHAND_API std::vector<SamplerStage> parse_sampler_stages(std::string_view text);

}  // namespace longhand
