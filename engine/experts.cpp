// Mixture of experts: a router sends each token to a few of many feed-forward networks.
//
// The rows of a batch are gathered by expert, so that each expert's weights are read once for all of its
// tokens. A token's experts are added up in the order the router ranked them, however the batch was cut.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "engine/step.h"

namespace longhand {
namespace {

// Turns the router's outputs (experts) into probabilities.
void gate_scores(const Step& s, float* z) {
  const int n = s.config.experts;
  if (s.config.gating == Gating::softmax) s.kernels.softmax(z, n);
  if (s.config.gating == Gating::sigmoid)
    std::transform(z, z + n, z, [](float x) { return 1 / (1 + std::exp(-x)); });
}

// The best experts of token t, best first, and their weights.
void choose(const Step& s, std::int64_t t) {
  const int used = s.config.experts_used;
  float* p = s.ws.router.as<float>() + t * s.config.experts;
  gate_scores(s, p);
  std::int32_t* chosen = s.ws.chosen.data() + t * used;
  float* weight = s.ws.weight.data() + t * used;
  for (int i = 0; i < used; ++i) {
    int best = -1;
    for (int e = 0; e < s.config.experts; ++e) {
      const bool taken = std::find(chosen, chosen + i, e) != chosen + i;
      // The comparison keeps a router of NaNs in bounds: then some expert is taken, and the sums
      // show the NaN.
      if (!taken && (best < 0 || p[e] > p[best])) best = e;
    }
    chosen[i] = best;
    weight[i] = p[best];
  }
  if (s.config.gating == Gating::softmax_selected) s.kernels.softmax(weight, used);
  if (s.config.normalise_experts) {
    // The smallest normal half keeps the quotient finite where all weights vanish.
    const float sum = std::max(std::accumulate(weight, weight + used, 0.0f), 0x1p-14f);
    for (int i = 0; i < used; ++i) weight[i] /= sum;
  }
  for (int i = 0; i < used; ++i) weight[i] *= s.config.expert_scale;
}

// Rows of expert_in, grouped by expert: a counting sort.
void group_by_expert(const Step& s) {
  std::vector<std::int32_t>& begin = s.ws.expert_begin;
  const auto slots = std::size_t(s.tokens) * std::size_t(s.config.experts_used);
  std::fill(begin.begin(), begin.end(), 0);
  for (std::size_t i = 0; i < slots; ++i) ++begin[std::size_t(s.ws.chosen[i]) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  for (std::size_t i = 0; i < slots; ++i) s.ws.slot_row[i] = begin[std::size_t(s.ws.chosen[i])]++;
  std::copy_backward(begin.begin(), begin.end() - 1, begin.end());
  begin[0] = 0;
}

// The same matrix of every expert that has tokens.
template <class Emit>
void for_active_experts(const Step& s, const Emit& emit) {
  for (int e = 0; e < s.config.experts; ++e) {
    const std::int32_t first = s.ws.expert_begin[std::size_t(e)],
                       count = s.ws.expert_begin[std::size_t(e) + 1] - first;
    if (count > 0) emit(std::size_t(e), first, count);
  }
}

void run_experts(const Step& s, const LayerWeights& w) {
  const std::int64_t hidden = s.config.hidden, ff = s.config.expert_ff;
  for_active_experts(s, [&](std::size_t e, std::int32_t first, std::int32_t count) {
    const std::array<MatmulJob, 2> jobs = {
        {{&w.expert_up[e], &s.ws.expert_in, first, count, s.ws.up.as<float>() + first * ff, ff},
         {&w.expert_gate[e], &s.ws.expert_in, first, count, s.ws.gate.as<float>() + first * ff, ff}}};
    s.multiply(jobs);
  });
  s.worker.sync();
  activate(s, std::int64_t{s.tokens} * s.config.experts_used, true, w.expert_down[0], s.ws.expert_mid);
  s.worker.sync();
  for_active_experts(s, [&](std::size_t e, std::int32_t first, std::int32_t count) {
    const MatmulJob job{&w.expert_down[e],
                        &s.ws.expert_mid,
                        first,
                        count,
                        s.ws.expert_out.as<float>() + first * hidden,
                        hidden};
    s.multiply({&job, 1});
  });
  s.worker.sync();
}

// ws.out = the shared expert of every token, scaled by its own gate where it has one; or zero.
void run_shared(const Step& s, const LayerWeights& w) {
  const std::int32_t hidden = s.config.hidden;
  const Range part = s.worker.split(s.tokens);
  if (w.shared_up.empty()) {
    for (std::int64_t t = part.begin; t < part.end; ++t) std::fill_n(s.out(t), hidden, 0.0f);
    return;
  }
  const bool weighed = !w.shared_router.empty();
  run_network(s, {w.shared_up, w.shared_gate, w.shared_down, weighed ? &w.shared_router : nullptr});
  if (!weighed) return;
  for (std::int64_t t = part.begin; t < part.end; ++t) {
    s.kernels.scale(s.out(t), 1 / (1 + std::exp(-s.ws.shared_weight.as<float>()[t])), hidden);
  }
}

}  // namespace

void expert_feed_forward(const Step& s, int il) noexcept {
  const LayerWeights& w = s.weights.layers[std::size_t(il)];
  const std::int32_t hidden = s.config.hidden, used = s.config.experts_used;
  const MatmulJob router{&w.router, &s.ws.in, 0, s.tokens, s.ws.router.as<float>(), s.config.experts};
  s.multiply({&router, 1});
  s.worker.sync();
  const Range part = s.worker.split(s.tokens);
  for (std::int64_t t = part.begin; t < part.end; ++t) choose(s, t);
  s.worker.sync();
  if (s.worker.id == 0) group_by_expert(s);
  s.worker.sync();
  const ActKinds kinds = kinds_of({&w.expert_up[0], &w.expert_gate[0]});
  const Range slots = s.worker.split(std::int64_t{s.tokens} * used);
  for (std::int64_t slot = slots.begin; slot < slots.end; ++slot) {
    const std::int32_t row = s.ws.slot_row[std::size_t(slot)];
    std::memcpy(s.ws.expert_in.row(row), s.ws.in.row(slot / used), std::size_t(hidden) * sizeof(float));
    s.ws.expert_in.round(s.kernels, row, {0, hidden}, kinds);
  }
  s.worker.sync();
  run_experts(s, w);
  run_shared(s, w);
  for (std::int64_t t = part.begin; t < part.end; ++t) {
    for (std::int64_t slot = t * used; slot < (t + 1) * used; ++slot) {
      const float* y = s.ws.expert_out.as<float>() + std::int64_t{s.ws.slot_row[std::size_t(slot)]} * hidden;
      s.kernels.add_scaled(s.out(t), y, s.ws.weight[std::size_t(slot)], hidden);
    }
  }
  s.worker.sync();
}

}  // namespace longhand
