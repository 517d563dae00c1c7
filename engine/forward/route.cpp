#include "engine/forward/route.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/forward/logistic.h"

namespace longhand {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Turns the router's outputs (experts) into probabilities.
void gate_scores(const Pass& p, const MoePlan& plan, float* z) {
  const int n = plan.experts;
  if (plan.gating == Gating::softmax) p.kernels.softmax(z, n);
  if (plan.gating == Gating::sigmoid) std::transform(z, z + n, z, sigmoid);
  if (plan.gating == Gating::root_softplus)
    std::transform(z, z + n, z, [](float x) { return std::sqrt(softplus(x)); });
}

// What experts are chosen by.
float selection_score(const MoePlan& plan, const float* probability, int e) {
  return plan.selection_bias == nullptr ? probability[e] : probability[e] + plan.selection_bias[e];
}

// The score of a group: the sum of its two best experts'.
float group_score(const MoePlan& plan, const float* probability, int group) {
  const int size = plan.experts / plan.groups;
  float best = kNever, second = kNever;
  for (int e = group * size; e < (group + 1) * size; ++e) {
    const float s = selection_score(plan, probability, e);
    if (s > best) {
      second = std::exchange(best, s);
    } else if (s > second) {
      second = s;
    }
  }
  return size > 1 ? best + second : best;
}

// Whether fewer than groups_used groups are better; of equal ones the first.
bool group_is_used(const MoePlan& plan, const float* probability, int group) {
  if (plan.groups_used >= plan.groups) return true;
  const float own = group_score(plan, probability, group);
  int better = 0;
  for (int g = 0; g < plan.groups; ++g) {
    const float other = group_score(plan, probability, g);
    better += other > own || (other == own && g < group);
  }
  return better < plan.groups_used;
}

// The best experts by their scores (experts), best first.
void take_best(const MoePlan& plan, float* scores, std::int32_t* chosen) {
  for (int i = 0; i < plan.used; ++i) {
    int best = -1;
    for (int e = 0; e < plan.experts; ++e) {
      const bool taken = std::find(chosen, chosen + i, e) != chosen + i;
      // The comparison keeps a router of NaNs in bounds: then some expert is taken, and the sums
      // show the NaN.
      if (!taken && (best < 0 || scores[e] > scores[best])) best = e;
    }
    chosen[i] = best;
  }
}

// The smallest normal half keeps the quotient finite where all weights vanish.
void make_sum_1(float* weight, int n) {
  const float sum = std::max(std::accumulate(weight, weight + n, 0.0f), 0x1p-14f);
  for (int i = 0; i < n; ++i) weight[i] /= sum;
}

// The weight of the i-th chosen expert, from the router's outputs z.
float sparse_weight(const MoePlan& plan, const float* z, const std::int32_t* chosen, int i) {
  constexpr float kNear = 0.02f;
  const float best = z[chosen[i]];
  float sum = 0;
  for (int e = 0; e < plan.experts; ++e) {
    const bool taken = std::find(chosen, chosen + i, e) != chosen + i;
    if (taken || (best - z[e]) / std::max(std::abs(z[e]), best) > kNear) continue;
    sum += std::exp(z[e] - best);
  }
  return 1 / sum;
}

void weigh(const Pass& p, const MoePlan& plan, float* weight) {
  const int used = plan.used;
  if (plan.gating == Gating::softmax_selected) p.kernels.softmax(weight, used);
  if (plan.normalise) make_sum_1(weight, used);
  for (int i = 0; i < used; ++i) weight[i] *= plan.scale;
}

// The experts of one row and their weights, which are probabilities without what helped to choose.
void choose(const Pass& p, const MoePlan& plan, const Routes& routes, int row) {
  float* probability = routes.scores + std::int64_t{row} * plan.experts;
  std::int32_t* chosen = routes.chosen + std::int64_t{row} * plan.used;
  float* weight = routes.weight + std::int64_t{row} * plan.used;
  if (plan.router_scale != 1) p.kernels.scale(probability, plan.router_scale, plan.experts);
  if (plan.by_token != nullptr) {
    gate_scores(p, plan, probability);
    std::copy_n(plan.by_token + std::int64_t{p.tokens[std::size_t(row)]} * plan.used, plan.used, chosen);
  } else if (plan.selection_bias == nullptr && plan.groups_used >= plan.groups) {
    // A greater output is a greater probability; outputs are told apart where probabilities round to 1.
    take_best(plan, probability, chosen);
    gate_scores(p, plan, probability);
  } else {
    gate_scores(p, plan, probability);
    float* selection = routes.selection + std::int64_t{row} * plan.experts;
    const int size = plan.experts / plan.groups;
    for (int g = 0; g < plan.groups; ++g) {
      const bool used = group_is_used(plan, probability, g);
      for (int e = g * size; e < (g + 1) * size; ++e)
        selection[e] = used ? selection_score(plan, probability, e) : kNever;
    }
    take_best(plan, selection, chosen);
  }
  const bool sparse = plan.gating == Gating::sparse_mixer;
  for (int i = 0; i < plan.used; ++i)
    weight[i] = sparse ? sparse_weight(plan, probability, chosen, i) : probability[chosen[i]];
  weigh(p, plan, weight);
}

// A counting sort of the slots.
void group_by_expert(const Pass& p, const MoePlan& plan, const Routes& r) {
  std::int32_t *begin = r.expert_begin, *end = begin + plan.experts + 1;
  const std::int64_t slots = std::int64_t{p.rows()} * plan.used;
  std::fill(begin, end, 0);
  for (std::int64_t i = 0; i < slots; ++i) ++begin[r.chosen[i] + 1];
  std::partial_sum(begin, end, begin);
  for (std::int64_t i = 0; i < slots; ++i) {
    r.slot_row[i] = begin[r.chosen[i]]++;
    r.pass_row[r.slot_row[i]] = std::int32_t(i / plan.used);
  }
  std::copy_backward(begin, end - 1, end);
  begin[0] = 0;
}

}  // namespace

void route_chunks(const Pass& p, const MoePlan& plan, const Routes& r) noexcept {
  p.for_rows([&](int row) {
    const std::int64_t first = std::int64_t{row} * plan.used;
    const float* probability = r.scores + std::int64_t{row} * plan.experts;
    for (std::int64_t slot = first; slot < first + plan.used; ++slot) {
      r.chosen[slot] /= plan.experts_per_chunk;
      r.weight[slot] = probability[r.chosen[slot]];
    }
    make_sum_1(r.weight + first, plan.used);
    for (int i = 0; i < plan.used; ++i) r.weight[first + i] *= plan.chunk_scale;
  });
  p.worker.sync();
  if (p.worker.id == 0) group_by_expert(p, plan, r);
  p.worker.sync();
}

void route(const Pass& p, const MoePlan& plan, const Routes& routes) noexcept {
  const bool from_stream = Routes::reads_stream(plan);
  if (from_stream) {
    p.for_rows([&](int row) {
      const float* x = plan.routed_by_entry ? p.entry(row) : p.x(row);
      if (plan.router_norm.empty()) {
        std::copy_n(x, plan.hidden, routes.in.row(row));
      } else {
        p.norm(plan.router_norm, x, plan.hidden, routes.in.row(row));
      }
      routes.in.round(p.kernels, row, {0, plan.hidden}, kinds_of({&plan.router}));
    });
    p.worker.sync();
  }
  p.multiply({&plan.router, from_stream ? &routes.in : &p.ws.in, 0, p.rows(), routes.scores, plan.experts});
  p.worker.sync();
  p.for_rows([&](int row) { choose(p, plan, routes, row); });
  p.worker.sync();
  if (p.worker.id == 0) group_by_expert(p, plan, routes);
  p.worker.sync();
}

}  // namespace longhand
