// How far a model's rotary positions carry, and what would carry further.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/types/session_options.h"
#include "loaders/gguf/gguf.h"

namespace longhand {

class Model;

/// Tokens of the longest text, at most `limit`, whose distances t = 0, 1, ... all have sum_m cos(t theta_m)
/// >= 0: up to there a key that resembles the query scores higher, on average, than one that does not (Men et
/// al. 2024, arXiv 2405.14591).
int rope_reach(std::span<const double> inv_freq, int limit);

/// Tokens of the longest text, at most `context`, in which a model under these options meets no distance
/// beyond both what it was trained for and rope_reach(). Throws Error as Session does.
int text_reach(const Model& model, const SessionOptions& options, int context);

/// Bases of two digits whose unscaled frequencies reach `length` tokens. A larger base does not always reach
/// further: it also moves the distances at which the cosines happen to cancel.
struct BaseBounds {
  double least = 0;  // the smallest that reaches it; 0 where even 9.9e12 does not
  double sure = 0;   // every one from here to ten times this does; 0 where that is beyond 9.9e12
};
/// `least` is the lower bound that Men et al. publish for 128 dimensions.
BaseBounds base_bounds(int rot, int length);

/// How sharp attention should be at one length, relative to the trained one.
struct GainAdvice {
  int length = 0;
  double log_n = 1;   // ln(length) / ln(trained), what AttentionOptions::log_n does
  double normal = 1;  // ratio of the gradient's maximisers, see ops/optimal_scale.h
  double cosine = 1;
};

struct ContextReach {
  int trained = 0;
  int head_dim = 0;
  int rot = 0;
  double base = 0;
  int reach = 0;  // of the frequencies the file asks for
  bool reach_is_limit = false;
};

struct ContextAdvice : ContextReach {
  struct Base : BaseBounds {
    int length = 0;
  };
  std::vector<Base> bases;        // to reach 1x, 2x, 4x and 8x the trained length
  std::vector<GainAdvice> gains;  // empty where heads are too small to say
};

/// From metadata and factor tensors alone. Nothing for models without rotary positions.
/// Throws Error as load_config() does.
std::optional<ContextReach> context_reach(const Gguf& file);
/// The same and what takes a second to find out.
std::optional<ContextAdvice> context_advice(const Gguf& file);

}  // namespace longhand
