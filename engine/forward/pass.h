// What every stage of the forward pass is given.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "engine/adapt/adaptation.h"
#include "engine/forward/matmul_stage.h"
#include "engine/forward/model.h"
#include "engine/forward/position.h"
#include "engine/forward/workspace.h"
#include "engine/state/states.h"
#include "ops/parallel.h"

namespace longhand {

/// Neighbouring tokens of one sequence: rows [first_row, first_row + rows) of a pass.
struct Slice {
  States& states;
  const PositionPlan& positions;
  int first_row, rows;
  int position;                            // of the first token
  const TokenPosition* places = nullptr;   // (rows) by which they are rotated; null: by their positions
  const Adaptation* adaptation = nullptr;  // null: the model as it is

  int position_of(int row) const noexcept { return position + row - first_row; }
  int end() const noexcept { return position + rows; }
};

struct Pass;
/// Pass::multiply() where sequences have adapters: one barrier more, behind what is of low rank. Called by
/// every worker after a barrier.
void multiply_adapted(const Pass& pass, std::span<const MatmulJob> jobs) noexcept;

/// Rows of one or more sequences on their way through the layers, as one worker sees them. What is computed
/// for a row does not depend on the rows beside it.
struct Pass {
  const ModelConfig& config;
  const Weights& weights;
  const Kernels& kernels;
  Workspace& ws;
  Worker worker;
  Stop& stop;
  std::span<const Slice> slices;  // their rows follow one another
  std::span<const Token> tokens;  // (rows)
  // (rows, hidden) what goes in instead of the tokens' embeddings; into a prediction layer beside them: the
  // final hidden states of the tokens before. Null: nothing.
  const float* inputs = nullptr;
  MatmulObserver* observer = nullptr;  // or null
  bool adapted = false;                // some slice has an adaptation

  int rows() const noexcept { return int(tokens.size()); }
  WorkerScratch& scratch() const noexcept { return ws.scratch[std::size_t(worker.id)]; }
  float* x(std::int64_t row) const noexcept { return ws.x + row * config.hidden; }
  float* stream(std::int64_t k, std::int64_t row) const noexcept {
    return ws.streams + (k * ws.sizes().rows + row) * config.hidden;
  }
  float* gains(std::int64_t row) const noexcept { return ws.gains + row * weights.streams.count; }
  float* entry(std::int64_t row) const noexcept { return ws.entry + row * config.hidden; }

  /// This worker's share of some matrix products.
  void multiply(std::span<const MatmulJob> jobs) const noexcept {
    if (observer != nullptr) observer->see(worker, jobs);
    if (adapted) return multiply_adapted(*this, jobs);
    run_matmuls(kernels, worker, jobs, scratch().panel.data(), stop);
  }
  void multiply(const MatmulJob& job) const noexcept { multiply({&job, 1}); }

  /// f(row) for this worker's share of the rows: the same rows in every stage that shares them out like this.
  template <class Function>
  void for_rows(const Function& f) const noexcept {
    const Range part = worker.split(rows());
    for (std::int64_t row = part.begin; row < part.end; ++row) f(int(row));
  }
  /// f(slice, row, i) for this worker's share of `per_row` pieces of work for every row.
  template <class Function>
  void for_pieces(int per_row, const Function& f) const noexcept {
    const Range part = worker.split(std::int64_t{rows()} * per_row);
    std::size_t at = 0;
    for (std::int64_t i = part.begin; i < part.end; ++i) {
      const int row = int(i / per_row);
      while (row >= slices[at].first_row + slices[at].rows) ++at;
      f(slices[at], row, int(i % per_row));
    }
  }
  /// f(row, columns) for this worker's share of `rows` x `cols` values, in groups that can be rounded apart:
  /// so the columns of a single token are shared out, too.
  template <class Function>
  void for_groups(std::int64_t count, std::int64_t cols, const Function& f) const noexcept {
    constexpr std::int64_t kGroup = Activations::kGroup;
    const std::int64_t groups = (cols + kGroup - 1) / kGroup;
    const Range share = worker.split(count * groups);
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      const std::int64_t col = i % groups * kGroup;
      f(i / groups, Range{col, std::min(cols, col + kGroup)});
    }
  }
  /// Rounds `count` rows of `cols` values for the matrices of `kinds`. Each worker does its share.
  void round(const Activations& values, std::int64_t count, std::int64_t cols,
             ActKinds kinds) const noexcept {
    for_groups(count, cols, [&](std::int64_t row, Range part) { values.round(kernels, row, part, kinds); });
  }
  /// Scales n values to length 1; to less where they are shorter than `least`.
  void to_length_1(float* x, std::int32_t n, double least) const noexcept {
    double sum = 0;
    for (std::int32_t i = 0; i < n; ++i) sum += double(x[i]) * double(x[i]);
    kernels.scale(x, float(1 / std::max(std::sqrt(sum), least)), n);
  }
  /// to (count, out) = linear(from (count, in)), by way of ws.in. Called by every worker after a barrier;
  /// ends with one.
  void multiply_rows(const Linear& linear, const float* from, std::int32_t count, float* to) const noexcept {
    const std::int64_t n = linear.weight.cols;
    const ActKinds kinds = kinds_of({&linear});
    for_groups(count, n, [&](std::int64_t row, Range cols) {
      std::copy(from + row * n + cols.begin, from + row * n + cols.end, ws.in.row(row) + cols.begin);
      ws.in.round(kernels, row, cols, kinds);
    });
    worker.sync();
    multiply({&linear, &ws.in, 0, count, to, linear.weight.rows});
    worker.sync();
  }
  /// to = norm(from) for n values; `to` may be `from`.
  void norm(const NormPlan& norm, const float* from, std::int32_t n, float* to) const noexcept {
    if (norm.kind == Norm::rms) {
      kernels.rms_norm(from, norm.weight, norm.epsilon, n, to);
    } else if (norm.kind == Norm::scale) {
      for (std::int32_t i = 0; i < n; ++i) to[i] = from[i] * norm.weight[i];
    } else {
      kernels.layer_norm(from, norm.weight, norm.bias, norm.epsilon, n, to);
    }
  }
};

}  // namespace longhand
