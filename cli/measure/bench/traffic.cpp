#include "cli/measure/bench/traffic.h"

#include <algorithm>

#include "engine/api/access.h"
#include "engine/forward/model.h"
#include "engine/state/kv_cache.h"
#include "ops/format.h"

namespace longhand::cli {
namespace {

std::uint64_t bytes_of(const Linear& linear) {
  const MatView& w = linear.weight;
  return w.empty() ? 0 : row_bytes(w.format, w.cols) * std::uint64_t(w.rows);
}

}  // namespace

std::uint64_t weight_traffic(const Model& model) {
  const Weights& weights = model_data(model).weights;
  std::uint64_t sum = 0;
  for_each_linear(weights, [&](const Linear& linear) { sum += bytes_of(linear); });
  for (const LayerPlan& layer : weights.layers) {
    for_each_block<MoePlan>(layer, [&](const MoePlan& plan) {
      for (const auto* list : {&plan.gate, &plan.up, &plan.down}) {
        std::uint64_t all = 0;
        for (const Linear& linear : *list) all += bytes_of(linear);
        sum -= all - all / std::uint64_t(plan.experts) * std::uint64_t(plan.used);
      }
    });
  }
  return sum;
}

std::uint64_t cache_traffic(const Model& model, CacheType keys, CacheType values, int tokens) {
  std::int64_t sum = 0;
  for (const LayerPlan& layer : model_data(model).weights.layers) {
    for_each_attention(layer, [&](const AttentionCore& core) {
      const KvShape shape(keys, values, core.head_dim, core.value_dim, core.value_in_key);
      const std::int64_t per_head = shape.key_block_bytes() / kKeyBlock + shape.value_row_bytes();
      int seen = core.window > 0 ? std::min(core.window, tokens) : tokens;
      if (core.ratio > 0) seen = std::min(core.near, tokens) + tokens / core.ratio;
      sum += per_head * core.kv_heads * seen;
    });
    for_each_recurrent(layer, [&](const auto& plan) {
      sum += (plan.conv.inputs() + plan.state_values()) * std::int64_t{sizeof(float)};
    });
  }
  return std::uint64_t(sum);
}

}  // namespace longhand::cli
