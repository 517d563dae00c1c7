#include "engine/forward/decoder.h"

#include <algorithm>

#include "engine/forward/adapt.h"
#include "engine/forward/per_layer_inputs.h"
#include "engine/forward/run_block.h"
#include "engine/forward/streams.h"
#include "ops/panels.h"

namespace longhand {
namespace {

void embed(const Pass& p) {
  const std::int32_t n = p.config.hidden;
  p.for_pieces(1, [&](const Slice& slice, int row, int) {
    float* x = p.x(row);
    if (p.inputs != nullptr && p.weights.next_input.empty()) {
      std::copy_n(p.inputs + std::int64_t{row} * n, n, x);
    } else {
      decode_row(p.weights.embedding, p.tokens[std::size_t(row)], x);
      adapt_embedding(p, slice, row, x);
      if (p.config.embedding_scale != 0) p.kernels.scale(x, p.config.embedding_scale, n);
    }
    if (!p.weights.positions.empty()) {
      float* position = p.ws.in.row(row);
      decode_row(p.weights.positions, slice.position_of(row), position);
      p.kernels.add(x, position, n);
    }
    if (p.weights.token_type != nullptr) p.kernels.add(x, p.weights.token_type, n);
    if (!p.weights.embedding_norm.empty()) p.norm(p.weights.embedding_norm, x, n, x);
    if (p.ws.embedded != nullptr) std::copy_n(x, n, p.ws.embedded + std::int64_t{row} * n);
  });
}

// See NextInput.
void join_inputs(const Pass& p) {
  const NextInput& next = p.weights.next_input;
  if (next.empty()) return;
  const std::int32_t n = p.config.hidden;
  p.for_rows([&](int row) {
    float* in = p.ws.in.row(row);
    p.norm(next.token_norm, p.x(row), n, in);
    p.norm(next.hidden_norm, p.inputs + std::int64_t{row} * n, n, in + n);
    p.ws.in.round(p.kernels, row, {0, 2 * std::int64_t{n}}, kinds_of({&next.join}));
  });
  p.worker.sync();
  p.multiply({&next.join, &p.ws.in, 0, p.rows(), p.ws.x, n});
  p.worker.sync();
}

void set_angles(const Pass& p) {
  for (int which = 0; which < kRotations; ++which) {
    p.for_pieces(1, [&](const Slice& slice, int row, int) {
      if (!slice.positions.has(Rotation(which))) return;
      const std::int64_t at = (which * std::int64_t{p.ws.sizes().rows} + row) * p.ws.angles;
      float *cos = p.ws.cos + at, *sin = p.ws.sin + at;
      if (slice.places == nullptr) {
        slice.positions.angles(Rotation(which), slice.position_of(row), cos, sin);
      } else {
        slice.positions.angles(Rotation(which), slice.places[row - slice.first_row], cos, sin);
      }
    });
  }
}

// ws.in = norm(x) (or x where a block normalises only what comes out), rounded for the matrices that read it.
void enter(const Pass& p, const Block& block, ActKinds kinds) {
  const NormPlan& norm = block.pre.plan;
  p.for_rows([&](int row) {
    const float* x = block.of_entry ? p.entry(row) : p.x(row);
    if (norm.empty()) {
      std::copy_n(x, p.config.hidden, p.ws.in.row(row));
    } else {
      p.norm(norm, x, p.config.hidden, p.ws.in.row(row));
    }
    p.ws.in.round(p.kernels, row, {0, p.config.hidden}, kinds);
  });
  p.worker.sync();
}

void normalise(const Pass& p, const StreamNorm& norm, float* values) {
  if (!norm.plan.empty()) p.norm(norm.plan, values, p.config.hidden, values);
}

// y is added to what a round changes.
void add(const Pass& p, const Round& round, int row, const float* y) {
  const std::int32_t n = p.config.hidden;
  if (round.to == AddTo::other_streams) {
    for (int k = 1; k < p.weights.streams.count; ++k) p.kernels.add(p.stream(k, row), y, n);
  } else if (round.to == AddTo::each_stream) {
    for (int k = 0; k < p.weights.streams.count; ++k)
      p.kernels.add_scaled(p.stream(k, row), y, p.gains(row)[k], n);
  } else if (round.scale != 0) {
    p.kernels.add_scaled(p.x(row), y, round.scale, n);
  } else {
    p.kernels.add(p.x(row), y, n);
  }
}

// See Round. Rows are shared out as in enter(), so no barrier is needed between the two, and a row of ws.in
// is free to keep what the round began with.
void leave(const Pass& p, const Round& round) {
  if (round.to == AddTo::nothing) return;
  const std::int32_t n = p.config.hidden;
  const std::size_t blocks = round.side_by_side.size();
  p.for_rows([&](int row) {
    const auto out = [&](std::size_t i) { return p.ws.out[i] + std::int64_t{row} * n; };
    float* const before = p.ws.in.row(row);
    if (!round.again.plan.empty()) std::copy_n(p.x(row), n, before);
    for (std::size_t i = 0; i < blocks; ++i) normalise(p, round.side_by_side[i].post, out(i));
    if (round.post.plan.empty()) {
      for (std::size_t i = blocks; i-- > 0;) add(p, round, row, out(i));
    } else {
      for (std::size_t i = 1; i < blocks; ++i) p.kernels.add(out(0), out(i), n);
      normalise(p, round.post, out(0));
      add(p, round, row, out(0));
    }
    if (round.output_scale != nullptr) p.kernels.scale(p.x(row), *round.output_scale, n);
    normalise(p, round.after, p.x(row));
    if (round.again.plan.empty()) return;
    p.kernels.add(p.x(row), before, n);
    normalise(p, round.again, p.x(row));
  });
}

void layer(const Pass& p, const LayerPlan& plan) {
  if (p.ws.entry != nullptr)
    p.for_rows([&](int row) { std::copy_n(p.x(row), p.config.hidden, p.entry(row)); });
  for (const Round& round : plan.rounds) {
    for (std::size_t i = 0; i < round.side_by_side.size(); ++i) {
      const Block& block = round.side_by_side[i];
      std::visit(
          [&](const auto& b) {
            enter(p, block, input_kinds(b));
            run(p, b, p.ws.out[i]);
          },
          block.plan);
    }
    leave(p, round);
  }
}

}  // namespace

bool forward(const Pass& p) noexcept {
  embed(p);
  join_inputs(p);
  compute_per_layer_inputs(p);
  enter_streams(p);
  set_angles(p);
  for (std::size_t il = 0; il < p.weights.layers.size(); ++il) {
    // One worker looks and all are told by the same barrier, or they would part ways.
    if (p.worker.id == 0) p.stop.leaving.store(p.stop.requested(), std::memory_order_relaxed);
    p.worker.sync();
    if (p.stop.leaving.load(std::memory_order_relaxed)) return false;
    layer(p, p.weights.layers[il]);
    steer(p, int(il));
  }
  p.worker.sync();
  leave_streams(p);
  return true;
}

void final_hidden(const Pass& p, std::span<const int> rows) noexcept {
  const ActKinds kinds = kinds_of({&p.weights.output});
  const Range part = p.worker.split(std::int64_t(rows.size()));
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    p.norm(p.weights.output_norm, p.x(rows[std::size_t(i)]), p.config.hidden, p.ws.in.row(i));
    p.ws.in.round(p.kernels, i, {0, p.config.hidden}, kinds);
  }
  p.worker.sync();
}

void output_logits(const Pass& p, std::span<const int> rows, float* logits) noexcept {
  const auto count = std::int32_t(rows.size());
  p.multiply({&p.weights.output, &p.ws.in, 0, count, logits, p.config.vocab, rows.data()});
  p.worker.sync();
  const Range part = p.worker.split(std::int64_t{count} * p.config.vocab, 64);
  const auto n = std::int32_t(part.end - part.begin);
  if (p.config.logit_scale != 0) p.kernels.scale(logits + part.begin, p.config.logit_scale, n);
  if (p.config.final_softcap != 0) p.kernels.softcap(logits + part.begin, p.config.final_softcap, n);
}

}  // namespace longhand
