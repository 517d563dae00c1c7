// What every stage of the forward pass is given.
#pragma once

#include "engine/matmul_stage.h"
#include "engine/memory/memories.h"
#include "engine/model.h"
#include "engine/position.h"
#include "engine/workspace.h"
#include "ops/parallel.h"

namespace longhand {

/// One batch of tokens on its way through the layers, as one worker sees it.
struct Step {
  const ModelConfig& config;
  const Weights& weights;
  const Kernels& kernels;
  const PositionPlan& positions;
  Memories& memories;
  Workspace& ws;
  Worker worker;
  Stop& stop;
  const Token* token_ids;  // (tokens)
  int tokens;
  int position;  // of the first token

  WorkerScratch& scratch() const noexcept { return ws.scratch[std::size_t(worker.id)]; }
  float* x(std::int64_t t) const noexcept { return ws.x.as<float>() + t * config.hidden; }
  float* out(std::int64_t t) const noexcept { return ws.out.as<float>() + t * config.hidden; }
  float* aside(std::int64_t t) const noexcept { return ws.aside.as<float>() + t * config.hidden; }
  /// This worker's share of some matrix products.
  void multiply(std::span<const MatmulJob> jobs) const noexcept {
    run_matmuls(kernels, worker, jobs, scratch().panel.data(), stop);
  }
  /// part(row, columns) for this worker's share of `rows` x `cols` values, in groups that can be rounded
  /// apart: so the columns of a single token are shared out, too.
  template <class Part>
  void for_groups(std::int64_t rows, std::int64_t cols, const Part& part) const noexcept {
    constexpr std::int64_t kGroup = Activations::kGroup;
    const std::int64_t groups = (cols + kGroup - 1) / kGroup;
    const Range share = worker.split(rows * groups);
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      const std::int64_t col = i % groups * kGroup;
      part(i / groups, Range{col, std::min(cols, col + kGroup)});
    }
  }
  /// to = norm(in) for one row of the hidden size or a head.
  void norm(const NormWeights& w, const float* in, std::int32_t n, float* to) const noexcept {
    if (config.arch->norm == Norm::rms) {
      kernels.rms_norm(in, w.weight, config.norm_epsilon, n, to);
    } else {
      kernels.layer_norm(in, w.weight, w.bias, config.norm_epsilon, n, to);
    }
  }
};

/// ws.out = attention(ws.in) of layer il; the layer's memory takes in the tokens' keys and values. ws.in is
/// normalised and rounded for q, k and v; all workers have passed a barrier since.
void attention(const Step& s, int il) noexcept;

/// Every layer's memory takes in random keys and values for the step's tokens; called by every worker.
void remember_at_random(const Step& s) noexcept;

/// to = act(ws.gate) * ws.up, or act(ws.up) where nothing gates it, for (rows, next's columns), rounded for
/// `next`. Each worker does its share.
void activate(const Step& s, std::int64_t rows, bool gated, const Linear& next,
              const Activations& to) noexcept;

/// One feed-forward network. Some have no gate; `router` (1, hidden) is there where the whole network
/// has a weight.
struct Network {
  const Linear &up, &gate, &down;
  const Linear* router = nullptr;
};
/// ws.out = down(act(gate(ws.in)) * up(ws.in)); ws.shared_weight = router(ws.in).
void run_network(const Step& s, const Network& n) noexcept;

/// ws.out = feed-forward(ws.in) of layer il; the same preconditions.
void feed_forward(const Step& s, int il) noexcept;
/// The mixture-of-experts form of the same.
void expert_feed_forward(const Step& s, int il) noexcept;

}  // namespace longhand
