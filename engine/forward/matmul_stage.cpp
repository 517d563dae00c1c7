#include "engine/forward/matmul_stage.h"

#include <algorithm>

#include "ops/panels.h"

namespace longhand {
namespace {

// Time of one panel, in arbitrary units: reading the weights, then once more for each token.
std::int64_t panel_cost(const MatmulJob& job) {
  return std::int64_t{job.linear->weight.cols} * (job.tokens + 1);
}
std::int64_t job_cost(const MatmulJob& job) { return panel_cost(job) * panel_count(job.linear->weight.rows); }

void finish(const MatmulJob& job, std::int32_t row, std::int32_t end) {
  const Linear& l = *job.linear;
  if (l.bias == nullptr && l.scale == 1) return;
  for (std::int32_t t = 0; t < job.tokens; ++t) {
    float* out = job.out + t * job.out_stride;
    for (std::int32_t r = row; r < end; ++r)
      out[r] = out[r] * l.scale + (l.bias != nullptr ? l.bias[r] : 0.0f);
  }
}

void add_low_ranks(const Kernels& k, const MatmulJob& job, std::int32_t begin, std::int32_t end) {
  for (const LowRankTerm& term : job.low_ranks) add_low_rank(k, term, job.out, job.out_stride, {begin, end});
}

// Panels between two looks at a request to stop: about 10 ms of work at 10 GMAC/s.
std::int32_t panels_at_once(const MatmulJob& job) {
  constexpr std::int64_t kProducts = 100'000'000;
  const std::int64_t panel = std::int64_t{kPanelRows} * job.linear->weight.cols * job.tokens;
  // Kernels like pairs of panels.
  return std::int32_t(std::clamp<std::int64_t>(kProducts / panel / 2 * 2, 2, 1 << 30));
}

void run_panels(const Kernels& k, const MatmulJob& job, std::int32_t begin, std::int32_t end,
                std::byte* scratch) {
  const MatView& w = job.linear->weight;
  const std::size_t stride = panel_bytes(w.format, w.cols);
  MatmulArgs a;
  a.panel_bytes = std::int64_t(stride);
  a.rows = w.rows;
  a.cols = w.cols;
  a.x = job.x->view(w.format, job.first);
  a.tokens = job.tokens;
  a.out = job.out;
  a.out_stride = job.out_stride;
  if (w.layout == Layout::panels) {
    a.panels = w.data + std::size_t(begin) * stride;
    a.panel_begin = begin;
    a.panel_end = end;
    k.matmul[w.format](a);
  } else {
    // Weights still as in the file: each panel is interleaved just before it is used.
    a.panels = scratch;
    for (std::int32_t p = begin; p < end; ++p) {
      interleave_panel(w, p, scratch);
      a.panel_begin = p;
      a.panel_end = p + 1;
      k.matmul[w.format](a);
    }
  }
  finish(job, begin * kPanelRows, std::min(end * kPanelRows, w.rows));
  add_low_ranks(k, job, begin, end);
}

// The panels of one job that lie in a stretch of the stage's work. A panel belongs to the stretch in which
// its first unit of work lies; kernels like pairs of panels.
Range panels_within(const MatmulJob& job, std::int64_t job_start, Range work) {
  const std::int64_t cost = panel_cost(job), panels = panel_count(job.linear->weight.rows);
  const auto first_at = [&](std::int64_t at) {
    const std::int64_t panel = at <= job_start ? 0 : (at - job_start + cost - 1) / cost;
    return std::min((panel + 1) / 2 * 2, panels);
  };
  return {first_at(work.begin), first_at(work.end)};
}

// Pieces a worker's share of a stage is cut into: many enough that those who are done early find something to
// take over, few enough that taking them costs nothing (a piece of a small model's matrix is 1 us of work).
constexpr int kPieces = 8;

}  // namespace

void add_low_rank(const Kernels& k, const LowRankTerm& term, float* out, std::int64_t out_stride,
                  Range panels) noexcept {
  constexpr std::int32_t kTokens = 16, kPanels = 2, kWidth = kPanels * kPanelRows;
  alignas(64) float sum[kTokens * kWidth];
  const MatView& b = term.b;
  MatmulArgs a;
  a.panel_bytes = std::int64_t(panel_bytes(b.format, b.cols));
  a.cols = b.cols;
  a.x.f32_stride = term.low_stride;
  a.out = sum;
  a.out_stride = kWidth;
  for (std::int64_t p = panels.begin; p < panels.end; p += kPanels) {
    const auto row = std::int32_t(p) * kPanelRows;
    a.panels = b.data + p * a.panel_bytes;
    a.panel_end = std::int32_t(std::min<std::int64_t>(kPanels, panels.end - p));
    a.rows = std::min(a.panel_end * kPanelRows, b.rows - row);
    for (std::int32_t t = 0; t < term.tokens; t += kTokens) {
      a.tokens = std::min(kTokens, term.tokens - t);
      a.x.f32 = term.low + t * term.low_stride;
      k.matmul[b.format](a);
      for (std::int32_t i = 0; i < a.tokens; ++i)
        k.add(out + (term.first + t + i) * out_stride + row, sum + i * kWidth, a.rows);
    }
  }
}

void run_matmuls(const Kernels& k, const Worker& worker, std::span<const MatmulJob> jobs, std::byte* scratch,
                 Stop& stop) noexcept {
  std::int64_t total = 0;
  for (const MatmulJob& job : jobs) total += job_cost(job);
  const std::int64_t pieces = std::int64_t{kPieces} * worker.count;
  worker.deal(pieces, [&](std::int64_t piece) {
    std::int64_t start = 0;
    for (const MatmulJob& job : jobs) {
      const Range panels = panels_within(job, start, {total * piece / pieces, total * (piece + 1) / pieces});
      for (std::int64_t at = panels.begin, next; at < panels.end && job.tokens > 0; at = next) {
        if (stop.requested()) return;
        next = std::min(panels.end, at + panels_at_once(job));
        run_panels(k, job, std::int32_t(at), std::int32_t(next), scratch);
      }
      start += job_cost(job);
    }
  });
}

}  // namespace longhand
