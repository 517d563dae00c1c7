#include "cli/bench/traffic.h"

#include <algorithm>

#include "engine/kv_cache.h"
#include "engine/model.h"
#include "ops/format.h"

namespace longhand::cli {
namespace {

std::uint64_t bytes_of(const Linear& linear) {
  const MatView& w = linear.weight;
  return w.empty() ? 0 : row_bytes(w.format, w.cols) * static_cast<std::uint64_t>(w.rows);
}

}  // namespace

std::uint64_t weight_traffic(const Model& model) {
  const ModelData& data = model.data();
  std::uint64_t all = 0, experts = 0;
  for_each_linear(data.weights, [&](const Linear& linear) { all += bytes_of(linear); });
  for (const LayerWeights& layer : data.weights.layers) {
    for (const auto* list : {&layer.expert_gate, &layer.expert_up, &layer.expert_down}) {
      for (const Linear& linear : *list) experts += bytes_of(linear);
    }
  }
  if (experts == 0) return all;
  const auto count = static_cast<std::uint64_t>(data.config.experts);
  return all - experts + experts / count * static_cast<std::uint64_t>(data.config.experts_used);
}

std::uint64_t cache_traffic(const Model& model, CacheType keys, CacheType values, int tokens) {
  const ModelConfig& config = model.data().config;
  const KvShape shape(config, keys, values);
  const std::int64_t per_head = shape.key_block_bytes() / kKeyBlock + shape.value_row_bytes();
  std::int64_t sum = 0;
  for (const LayerPlan& layer : config.layers) {
    const int seen = layer.window > 0 ? std::min(layer.window, tokens) : tokens;
    sum += per_head * layer.kv_heads * seen;
  }
  return static_cast<std::uint64_t>(sum);
}

}  // namespace longhand::cli
