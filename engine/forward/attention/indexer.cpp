#include "engine/forward/attention/indexer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "engine/forward/place.h"

namespace longhand {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

struct Indexer {
  const Pass& p;
  const AttentionCore& core;
  const IndexerPlan& plan;
  const IndexerRoom& room;

  const float* query(int row, int head) const {
    return room.q + (std::int64_t{row} * plan.heads + head) * plan.width;
  }
  float* scores(int row, int choice, float* of) const {
    return of + (std::int64_t{row % IndexerRoom::kRows} * plan.choices() + choice) * room.blocks;
  }
  std::int32_t& count(int row, int choice) const {
    return room.chosen.count[std::int64_t{row} * plan.choices() + choice];
  }
  bool chooses(const Slice& slice) const {
    return slice.states.attention(core.state).index_block(0) != nullptr;
  }
  // Blocks that a query at some position could see.
  int visible(int position) const { return (plan.seen(position) + plan.block - 1) / plan.block; }
};

void project(const Indexer& x, const Activations& queries) {
  const Pass& p = x.p;
  std::array<MatmulJob, 3> jobs = {{{&x.plan.q, &queries, 0, p.rows(), x.room.q, x.plan.q_rows()}}};
  std::size_t count = 1;
  if (!x.plan.k.empty()) jobs[count++] = {&x.plan.k, &p.ws.in, 0, p.rows(), x.room.k, x.plan.width};
  if (!x.plan.weights.empty())
    jobs[count++] = {&x.plan.weights, &p.ws.in, 0, p.rows(), x.room.weights, x.plan.heads};
  p.multiply(std::span(jobs).first(count));
  p.worker.sync();
}

// Normalises and rotates; a key goes to its place.
void place_one(const Indexer& x, const Slice& slice, int row, const NormPlan& norm, float* values) {
  const Pass& p = x.p;
  if (!norm.empty()) p.norm(norm, values, x.plan.width, values);
  RotateArgs by = rotation(p, x.core, slice, slice.positions.rotation_of(x.core), row);
  const bool last = x.plan.ratio > 0;
  by.x = last ? values + x.plan.width - by.rot : values;
  by.halves = !last;
  if (by.rot > 0) p.kernels.rotate(by);
}

void place_all(const Indexer& x) {
  const IndexerPlan& plan = x.plan;
  x.p.for_pieces(plan.heads + (plan.ratio == 0), [&](const Slice& slice, int row, int head) {
    if (head < plan.heads) {
      place_one(x, slice, row, plan.q_norm, x.room.q + (std::int64_t{row} * plan.heads + head) * plan.width);
      return;
    }
    float* key = x.room.k + std::int64_t{row} * plan.width;
    place_one(x, slice, row, plan.k_norm, key);
    const int position = slice.position_of(row);
    float* block = slice.states.attention(x.core.state).index_block(position);
    if (block == nullptr) return;
    for (int d = 0; d < plan.width; ++d) block[d * kKeyBlock + position % kKeyBlock] = key[d];
  });
  x.p.worker.sync();
}

// q . k for each key of a block.
std::array<float, kKeyBlock> products(const float* q, const float* block, int width) {
  std::array<float, kKeyBlock> sum{};
  for (int d = 0; d < width; ++d) {
    for (std::size_t i = 0; i < kKeyBlock; ++i) sum[i] += q[d] * block[d * kKeyBlock + std::int64_t(i)];
  }
  return sum;
}

// The scores of the keys [from, from + kKeyBlock) for one choice.
std::array<float, kKeyBlock> score_keys(const Indexer& x, const float* block, int row, int choice) {
  const IndexerPlan& plan = x.plan;
  if (plan.for_each_kv_head) return products(x.query(row, choice), block, plan.width);
  std::array<float, kKeyBlock> sum{};
  for (int h = 0; h < plan.heads; ++h) {
    const auto score = products(x.query(row, h), block, plan.width);
    const float weight = x.room.weights[std::int64_t{row} * plan.heads + h];
    for (std::size_t i = 0; i < kKeyBlock; ++i) sum[i] += weight * std::max(score[i], 0.0f);
  }
  return sum;
}

// Scores of the blocks whose keys begin in the part [begin, end) of the text; both lie between blocks.
void score_part(const Indexer& x, const Slice& slice, int row, std::int64_t begin, std::int64_t end) {
  const IndexerPlan& plan = x.plan;
  const AttentionState& state = slice.states.attention(x.core.state);
  const int position = slice.position_of(row);
  end = std::min<std::int64_t>(end, plan.seen(position));
  for (int choice = 0; choice < plan.choices(); ++choice) {
    float* scores = x.scores(row, choice, x.room.scores);
    for (std::int64_t b = begin / plan.block; b * plan.block < end; ++b) scores[b] = kNever;
    for (std::int64_t from = begin / kKeyBlock * kKeyBlock; from < end; from += kKeyBlock) {
      const auto score = score_keys(x, state.index_block(int(from)), row, choice);
      for (std::int64_t key = std::max(from, begin); key < std::min(end, from + kKeyBlock); ++key) {
        float& best = scores[key / plan.block];
        best = std::max(best, score[std::size_t(key - from)]);  // NaN is never the greater
      }
    }
  }
}

// The best blocks of a query, the last ones first of all.
void choose(const Indexer& x, int row, int choice, int position) {
  const IndexerPlan& plan = x.plan;
  const int n = x.visible(position);
  float *scores = x.scores(row, choice, x.room.scores), *ordered = x.scores(row, choice, x.room.ordered);
  for (int b = std::max(0, n - plan.local); b < n; ++b) scores[b] = std::numeric_limits<float>::infinity();
  std::copy_n(scores, n, ordered);
  std::nth_element(ordered, ordered + plan.top - 1, ordered + n, std::greater<>());
  const float least = ordered[plan.top - 1];
  auto ties = plan.top - std::count_if(scores, scores + n, [&](float s) { return s > least; });
  std::int32_t* to =
      x.room.chosen.blocks + (std::int64_t{row} * plan.choices() + choice) * std::int64_t{plan.top};
  for (int b = 0; b < n; ++b) {
    if (scores[b] > least || (scores[b] == least && ties-- > 0)) *to++ = b;
  }
  x.count(row, choice) = plan.top;
}

// Rows [first, first + kRows), whose scores fit together.
void choose_for_rows(const Indexer& x, int first) {
  const Pass& p = x.p;
  const int rows = std::min(IndexerRoom::kRows, p.rows() - first);
  // Parts of the text are whole blocks, of whichever kind.
  const std::int64_t part = (std::int64_t{kAttendKeys} + x.plan.block - 1) / x.plan.block * x.plan.block;
  const std::int64_t parts = (x.room.blocks * x.plan.block + part - 1) / part;
  const auto slice_of = [&](int row) -> const Slice& {
    return *std::ranges::find_if(p.slices, [&](const Slice& s) { return row < s.first_row + s.rows; });
  };
  const auto asks = [&](const Slice& slice, int row) {
    return x.chooses(slice) && x.visible(slice.position_of(row)) > x.plan.top;
  };
  const Range pieces = p.worker.split(rows * parts);
  for (std::int64_t i = pieces.begin; i < pieces.end; ++i) {
    const int row = first + int(i / parts);
    const Slice& slice = slice_of(row);
    const std::int64_t begin = i % parts * part;
    if (asks(slice, row) && begin < x.plan.seen(slice.position_of(row)))
      score_part(x, slice, row, begin, begin + part);
  }
  p.worker.sync();
  const Range queries = p.worker.split(std::int64_t{rows} * x.plan.choices());
  for (std::int64_t i = queries.begin; i < queries.end; ++i) {
    const int row = first + int(i / x.plan.choices()), choice = int(i % x.plan.choices());
    const Slice& slice = slice_of(row);
    if (asks(slice, row)) {
      choose(x, row, choice, slice.position_of(row));
    } else {
      x.count(row, choice) = -1;
    }
  }
  p.worker.sync();
}

}  // namespace

IndexerRoom::IndexerRoom(Carver& carver, const IndexerPlan& plan, const WorkspaceSizes& sizes) noexcept {
  if (plan.empty()) return;
  const std::int64_t keys = std::int64_t{sizes.attention_parts} * kAttendKeys;
  blocks = (keys + plan.block - 1) / plan.block;
  q = carver.floats(sizes.rows, plan.q_rows());
  k = carver.floats(sizes.rows, plan.width);
  weights = carver.floats(sizes.rows, plan.heads);
  scores = carver.floats(std::int64_t{kRows} * plan.choices(), blocks);
  ordered = carver.floats(std::int64_t{kRows} * plan.choices(), blocks);
  const std::int64_t choices = std::int64_t{sizes.rows} * plan.choices();
  chosen.blocks = carver.take<std::int32_t>(choices * std::min<std::int64_t>(plan.top, blocks));
  chosen.count = carver.take<std::int32_t>(choices);
}

Chosen choose_keys(const Pass& p, const AttentionCore& core, const Activations& queries,
                   const IndexerRoom& room) noexcept {
  if (core.indexer.empty()) return {};
  const Indexer x{p, core, core.indexer, room};
  if (std::ranges::none_of(p.slices, [&](const Slice& s) { return x.chooses(s); })) {
    const Range part = p.worker.split(std::int64_t{p.rows()} * x.plan.choices());
    std::fill(room.chosen.count + part.begin, room.chosen.count + part.end, -1);
    p.worker.sync();
    return room.chosen;
  }
  project(x, queries);
  place_all(x);
  for (int first = 0; first < p.rows(); first += IndexerRoom::kRows) choose_for_rows(x, first);
  return room.chosen;
}

}  // namespace longhand
