#include "engine/forward/workspace.h"

#include <algorithm>

#include "engine/forward/head.h"
#include "engine/forward/per_layer_inputs.h"
#include "engine/forward/position.h"
#include "engine/forward/run_block.h"
#include "ops/kernels.h"
#include "ops/panels.h"

namespace longhand {
namespace {

// What all layers' blocks need at most.
struct Most {
  std::int64_t input = 0;      // columns of ws.in
  std::size_t room = 0;        // bytes a block carves up
  std::int64_t head_size = 0;  // values
  bool keeps_values = false;   // the first block leaves values to others
};

Most most_of(const Weights& weights, const WorkspaceSizes& sizes) {
  Most most;
  Carver inputs;
  measure_per_layer_inputs(inputs, weights.per_layer, sizes);
  Carver head;
  measure(head, weights.head, sizes);
  most.room = std::max(inputs.used(), head.used());
  most.input = std::max<std::int64_t>(widest_input(weights.head), weights.next_input.join.weight.cols);
  for (const LayerPlan& layer : weights.layers) {
    for (const Round& round : layer.rounds) {
      for (const Block& block : round.side_by_side) {
        Carver room;
        std::visit(
            [&](const auto& plan) {
              most.input = std::max(most.input, widest_input(plan));
              measure(room, plan, sizes);
            },
            block.plan);
        most.room = std::max(most.room, room.used());
      }
    }
    for_each_block<TimeMix7Plan>(layer, [&](const TimeMix7Plan&) { most.keeps_values = true; });
    for_each_attention(layer, [&](const AttentionCore& core) {
      most.head_size = std::max(most.head_size, std::int64_t{std::max(core.head_dim, core.value_dim)});
    });
  }
  return most;
}

// Bytes of the largest panel any worker must interleave by itself; 0 when all weights are repacked.
std::size_t panel_scratch(const Weights& w) {
  std::size_t most = 0;
  for_each_linear(w, [&](const Linear& l) {
    if (l.weight.layout != Layout::panels) most = std::max(most, panel_bytes(l.weight.format, l.weight.cols));
  });
  return most;
}

bool adds_embedding(const Weights& w) {
  bool found = false;
  for (const LayerPlan& layer : w.layers)
    for_each_block<EmbeddingAgainPlan>(layer, [&](const auto&) { found = true; });
  return found;
}
bool any_keeps_entry(const Weights& w) { return std::ranges::any_of(w.layers, keeps_entry<LayerPlan>); }

Buffer floats(std::int64_t rows, std::int64_t cols) {
  return Buffer(std::size_t(rows) * std::size_t(cols) * sizeof(float));
}

}  // namespace

Workspace::Workspace(const ModelConfig& c, const Weights& w, const WorkspaceSizes& sizes) : sizes_(sizes) {
  const Most most = most_of(w, sizes);
  angles = std::max(c.rope.rot, c.rope.local_rot) / 2;
  const auto carve = [&](Carver& carver) {
    x = carver.floats(sizes.rows, c.hidden);
    if (w.streams.count > 1) streams = carver.floats(std::int64_t{w.streams.count} * sizes.rows, c.hidden);
    gains = carver.floats(sizes.rows, w.streams.hyper.streams);
    in = Activations(carver, sizes.rows, std::max<std::int64_t>(c.hidden, most.input));
    for (float*& o : out) o = carver.floats(sizes.rows, c.hidden);
    if (adds_embedding(w)) embedded = carver.floats(sizes.rows, c.hidden);
    if (any_keeps_entry(w)) entry = carver.floats(sizes.rows, c.hidden);
    per_layer = carver.floats(sizes.rows, w.per_layer.values());
    first_values = carver.floats(most.keeps_values ? sizes.rows : 0, c.hidden);
    lows = carver.floats(2 * low_rows(), sizes.low_columns);
    cos = carver.floats(kRotations * std::int64_t{sizes.rows}, angles);
    sin = carver.floats(kRotations * std::int64_t{sizes.rows}, angles);
  };
  Carver counting;
  carve(counting);
  stream_ = Buffer(counting.used());
  Carver carver(stream_.data());
  carve(carver);
  room_ = Buffer(most.room);
  room = room_.data();
  // Attention is split over the cache only while there are fewer units than this.
  max_units = 2 * sizes.workers;
  partial_items = std::int64_t{max_units} * sizes.attention_parts;
  partials_ = floats(partial_items * kAttendRows, most.head_size + 2);
  partials = partials_.as<float>();
  for (int i = 0; i < sizes.workers; ++i) {
    scratch.push_back({Buffer(panel_scratch(w)), floats(kAttendRows, kAttendKeys),
                       floats(kAttendRows + 3, most.head_size),
                       floats(sizes.packed_cache ? kAttendKeys + kAttendRows : 0, most.head_size),
                       Buffer(sizes.memory_scratch), std::vector<int>(std::size_t(sizes.slices))});
    low_ranks.emplace_back().terms.reserve(kJobs * std::size_t(sizes.slices) * std::size_t(sizes.adapters));
  }
}

std::uint64_t Workspace::bytes() const noexcept {
  std::uint64_t sum = stream_.size() + partials_.size() + room_.size();
  for (const WorkerScratch& s : scratch)
    sum += s.panel.size() + s.scores.size() + s.acc.size() + s.unpacked.size() + s.memory.size();
  return sum;
}

}  // namespace longhand
