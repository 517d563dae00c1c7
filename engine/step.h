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

/// ws.out = feed-forward(ws.in) of layer il; the same preconditions.
void feed_forward(const Step& s, int il) noexcept;
/// The mixture-of-experts form of the same.
void expert_feed_forward(const Step& s, int il) noexcept;

}  // namespace longhand
