#include "engine/api/advice.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "engine/forward/position.h"
#include "engine/state/attention/kinds.h"
#include "loaders/model/config.h"
#include "ops/optimal_scale.h"
#include "ops/rope_table.h"

namespace longhand {
namespace {

// cos(t theta_m) for consecutive t by cos(t+1) = 2 cos(1) cos(t) - cos(t-1), several times as fast as
// std::cos. Its error grows with the square of the steps, so it starts anew from exact values every kSteps:
// below 1e-10.
class CosineWalk {
 public:
  explicit CosineWalk(std::span<const double> frequencies)
      : frequencies_(frequencies.begin(), frequencies.end()),
        twice_(frequencies.size()),
        now_(frequencies.size()),
        before_(frequencies.size()) {
    for (std::size_t m = 0; m < frequencies_.size(); ++m) twice_[m] = 2 * std::cos(frequencies_[m]);
  }

  /// Call with t = 0, 1, 2, ... in turn.
  double sum(int t) {
    constexpr int kSteps = 512;
    if (t % kSteps == 0) {
      start(t);
    } else {
      for (std::size_t m = 0; m < now_.size(); ++m) {
        const double next = twice_[m] * now_[m] - before_[m];
        before_[m] = now_[m];
        now_[m] = next;
      }
    }
    double total = 0;
    for (const double cosine : now_) total += cosine;
    return total;
  }

 private:
  void start(int t) {
    for (std::size_t m = 0; m < now_.size(); ++m) {
      now_[m] = std::cos(t * frequencies_[m]);
      before_[m] = std::cos((t - 1) * frequencies_[m]);
    }
  }

  std::vector<double> frequencies_, twice_, now_, before_;
};

// The long factors are those a session beyond the original context uses; that is the case asked about.
std::vector<float> divisors(const Gguf& file, std::size_t pairs) {
  for (const char* name : {"rope_factors_long.weight", "rope_freqs.weight"}) {
    const TensorInfo* tensor = file.find_tensor(name);
    if (tensor == nullptr || tensor->data.size() != pairs * sizeof(float)) continue;
    std::vector<float> out(pairs);
    std::memcpy(out.data(), tensor->data.data(), tensor->data.size());
    return out;
  }
  return {};
}

std::vector<double> frequencies_in_use(const Gguf& file, const RopeConfig& rope) {
  const std::vector<float> factors = divisors(file, std::size_t(rope.rot / 2));
  RopeParams params = rope_params(rope);
  params.divisors = factors;
  return make_rope_table(params).inv_freq;
}

constexpr int kFarthest = 1 << 18;  // beyond, looking takes seconds

std::vector<GainAdvice> gain_advice(int trained, int head_dim) {
  constexpr int kSmallestHead = 8;  // of optimal_scale()
  std::vector<GainAdvice> out;
  if (head_dim < kSmallestHead || trained < 2) return out;
  const auto ratio = [&](double length, ScoreDistribution distribution) {
    return optimal_scale(length, head_dim, distribution) / optimal_scale(trained, head_dim, distribution);
  };
  for (const int times : {1, 2, 4, 8, 16}) {
    GainAdvice row;
    const double length = double(trained) * times;
    if (length > 1 << 30) break;
    row.length = int(length);
    row.log_n = std::log(length) / std::log(trained);
    row.normal = ratio(length, ScoreDistribution::normal);
    row.cosine = ratio(length, ScoreDistribution::cosine);
    out.push_back(row);
  }
  return out;
}

}  // namespace

int rope_reach(std::span<const double> inv_freq, int limit) {
  CosineWalk walk(inv_freq);
  int t = 0;
  while (t < limit && walk.sum(t) >= 0) ++t;
  return t;
}

int text_reach(const Model& model, const SessionOptions& options, int context) {
  const ModelConfig& c = model_data(model).config;
  const bool everywhere = std::any_of(c.layers.begin(), c.layers.end(), [](const LayerShape& layer) {
    return layer.attends() && layer.rope && layer.window == 0;
  });
  if (!everywhere || context <= c.trained_context) return context;
  const MemoryPlan plan = plan_memory(c, options);
  const FarPositions far = far_positions(plan);
  const PositionPlan positions(c, model_data(model).weights, options, far, context);
  const int reach = std::max(c.trained_context, rope_reach(positions.frequencies(), context));
  if (plan.window == 0) return reach;
  // Summaries stand at one distance, and what is exact reaches back two windows at most.
  const double farthest = plan.far > 0 ? std::max(plan.far, 2 * plan.window) : plan.window;
  if (farthest > reach) return reach;
  if (far.step == 0) return context;
  return int(std::min(double(context), plan.window + (reach - plan.window) * plan.leak));
}

BaseBounds base_bounds(int rot, int length) {
  constexpr int kFirst = 1, kLast = 12, kDecade = 90;  // exponents, and bases of two digits in each
  BaseBounds found;
  int in_a_row = 0;
  for (int i = 0; i < (kLast - kFirst + 1) * kDecade && in_a_row <= kDecade; ++i) {
    const double base = std::pow(10.0, kFirst + i / kDecade) * (10 + i % kDecade) / 10;
    if (rope_reach(make_rope_table({.rot = rot, .base = base}).inv_freq, length) < length) {
      in_a_row = 0;
      continue;
    }
    if (found.least == 0) found.least = base;
    if (in_a_row++ == 0) found.sure = base;
  }
  if (in_a_row <= kDecade) found.sure = 0;
  return found;
}

std::optional<ContextReach> context_reach(const Gguf& file) {
  const ModelConfig config = load_config(file);
  const bool rotates = std::any_of(config.layers.begin(), config.layers.end(),
                                   [](const LayerShape& layer) { return layer.attends() && layer.rope; });
  if (!rotates || config.rope.rot == 0) return std::nullopt;

  ContextReach r;
  r.trained = config.rope.original_context > 0 ? config.rope.original_context : config.trained_context;
  r.head_dim = std::ranges::find_if(config.layers, &LayerShape::attends)->head_dim;
  r.rot = config.rope.rot;
  r.base = config.rope.base;
  r.reach = rope_reach(frequencies_in_use(file, config.rope), kFarthest);
  r.reach_is_limit = r.reach == kFarthest;
  return r;
}

std::optional<ContextAdvice> context_advice(const Gguf& file) {
  const auto reach = context_reach(file);
  if (!reach) return std::nullopt;
  ContextAdvice advice{*reach, {}, {}};
  for (const int times : {1, 2, 4, 8}) {
    if (advice.trained > kFarthest / times) break;
    const int length = advice.trained * times;
    advice.bases.push_back({base_bounds(advice.rot, length), length});
  }
  advice.gains = gain_advice(advice.trained, advice.head_dim);
  return advice;
}

}  // namespace longhand
