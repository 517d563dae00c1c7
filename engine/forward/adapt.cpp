#include "engine/forward/adapt.h"

#include <algorithm>
#include <array>

#include "ops/panels.h"

namespace longhand {
namespace {

constexpr std::int32_t kRowsAtOnce = 32;

// f(slice, first, count) for the neighbouring rows of a job that belong to one slice each.
template <class Function>
void for_stretches(const Pass& p, const MatmulJob& job, const Function& f) {
  const auto row_of = [&](std::int32_t i) { return job.pass_rows != nullptr ? job.pass_rows[i] : i; };
  auto slice = p.slices.begin();
  for (std::int32_t first = 0; first < job.tokens;) {
    while (row_of(first) >= slice->first_row + slice->rows) ++slice;
    std::int32_t end = first + 1;
    while (end < job.tokens && row_of(end) < slice->first_row + slice->rows) ++end;
    f(*slice, first, end - first);
    first = end;
  }
}

// Shares out what is of low rank: panels of a few rows each, in turn.
class LowProducts {
 public:
  explicit LowProducts(const Pass& p) noexcept : p_(p) {}

  /// This worker's share of low (count, stride) = scale a x, for rows of the job from `first` on.
  void compute(const MatmulJob& job, const LowRankTerm& term, const LowRank& pair, float scale, float* low) {
    const std::int32_t panels = panel_count(pair.a.rows);
    for (std::int32_t t = 0; t < term.tokens; t += kRowsAtOnce) {
      for (std::int32_t panel = 0; panel < panels; ++panel) {
        if (piece_++ % p_.worker.count != p_.worker.id) continue;
        MatmulArgs a;
        a.panel_bytes = std::int64_t(panel_bytes(pair.a.format, pair.a.cols));
        a.panels = pair.a.data + panel * a.panel_bytes;
        a.rows = pair.a.rows;
        a.cols = pair.a.cols;
        a.panel_begin = panel;
        a.panel_end = panel + 1;
        a.x = job.x->view(pair.a.format, job.first + term.first + t);
        a.tokens = std::min(kRowsAtOnce, term.tokens - t);
        a.out = low + t * term.low_stride;
        a.out_stride = term.low_stride;
        p_.kernels.matmul[pair.a.format](a);
        const std::int32_t row = panel * kPanelRows, n = std::min(kPanelRows, pair.a.rows - row);
        for (std::int32_t i = 0; i < a.tokens; ++i)
          p_.kernels.scale(a.out + i * a.out_stride + row, scale, n);
      }
    }
  }

 private:
  const Pass& p_;
  int piece_ = 0;
};

// Jobs whose lows have room together, as one stage.
void multiply_group(const Pass& p, std::span<const MatmulJob> jobs) {
  const std::int64_t columns = p.ws.sizes().low_columns;
  LowRankRoom& room = p.ws.low_ranks[std::size_t(p.worker.id)];
  // A worker may begin the next products while others still read these.
  const int turn = room.turn ^ 1;
  float* lows = p.ws.lows + turn * p.ws.low_rows() * columns;
  std::array<MatmulJob, Workspace::kJobs> adapted;
  room.terms.clear();
  LowProducts products(p);
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const MatmulJob& job = adapted[j] = jobs[j];
    const std::size_t first_term = room.terms.size();
    for_stretches(p, job, [&](const Slice& slice, std::int32_t first, std::int32_t count) {
      if (slice.adaptation == nullptr) return;
      float* low = lows + first * columns;
      for (const Adaptation::Use& use : slice.adaptation->uses) {
        const LowRank* pair = use.adapter->find(job.linear);
        if (pair == nullptr) continue;
        room.terms.push_back({pair->b, first, count, low, columns});
        products.compute(job, room.terms.back(), *pair, use.scale * pair->scale, low);
        low += std::int64_t{panel_count(pair->rank())} * kPanelRows;
      }
    });
    adapted[j].low_ranks = std::span(room.terms).subspan(first_term);
    lows += job.tokens * columns;
  }
  if (!room.terms.empty()) {
    room.turn = turn;
    p.worker.sync();
  }
  run_matmuls(p.kernels, p.worker, std::span(adapted).first(jobs.size()), p.scratch().panel.data(), p.stop);
}

// A row may come several times to one matrix of experts.
void multiply_in_parts(const Pass& p, const MatmulJob& job) {
  const auto rows = std::int32_t(p.ws.low_rows());
  for (std::int32_t t = 0; t < job.tokens; t += rows) {
    MatmulJob part = job;
    part.first += t;
    part.tokens = std::min(rows, job.tokens - t);
    part.out += t * job.out_stride;
    part.pass_rows += t;
    multiply_group(p, {&part, 1});
  }
}

}  // namespace

void multiply_adapted(const Pass& p, std::span<const MatmulJob> jobs) noexcept {
  while (!jobs.empty()) {
    std::size_t count = 0;
    for (std::int64_t left = p.ws.low_rows(); count < std::min(jobs.size(), Workspace::kJobs); ++count) {
      left -= jobs[count].tokens;
      if (left < 0) break;
    }
    if (count == 0) {
      multiply_in_parts(p, jobs[0]);
    } else {
      multiply_group(p, jobs.first(count));
    }
    jobs = jobs.subspan(std::max<std::size_t>(count, 1));
  }
}

// The lows of this row are not used before the first products, which begin with the other half.
void adapt_embedding(const Pass& p, const Slice& slice, int row, float* x) noexcept {
  if (slice.adaptation == nullptr) return;
  const std::int64_t columns = p.ws.sizes().low_columns;
  float* low = p.ws.lows + row * columns;
  for (const Adaptation::Use& use : slice.adaptation->uses) {
    const LowRank& pair = use.adapter->embedding;
    if (pair.empty()) continue;
    decode_row(pair.a, p.tokens[std::size_t(row)], low);
    p.kernels.scale(low, use.scale * pair.scale, pair.rank());
    add_low_rank(p.kernels, {pair.b, 0, 1, low, columns}, x, p.config.hidden, {0, panel_count(pair.b.rows)});
  }
}

void steer(const Pass& p, int layer) noexcept {
  if (!p.adapted) return;
  const std::int32_t n = p.config.hidden;
  const int streams = p.weights.streams.count;
  // Hyper-connections keep all streams apart from x.
  const bool in_x = p.weights.streams.hyper.streams == 0;
  p.for_pieces(1, [&](const Slice& slice, int row, int) {
    if (slice.adaptation == nullptr) return;
    const float* direction = slice.adaptation->direction(layer, n);
    if (direction == nullptr) return;
    if (in_x) p.kernels.add(p.x(row), direction, n);
    for (int k = in_x ? 1 : 0; k < streams; ++k) p.kernels.add(p.stream(k, row), direction, n);
  });
}

}  // namespace longhand
