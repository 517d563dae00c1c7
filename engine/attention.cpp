// Self-attention of one layer: project, normalise, rotate, remember, attend, project back.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/step.h"

namespace longhand {
namespace {

void project(const Step& s, const LayerPlan& plan, const LayerWeights& w) {
  const std::int64_t q_dim = std::int64_t{plan.heads} * s.config.head_dim,
                     k_dim = std::int64_t{plan.kv_heads} * s.config.head_dim,
                     v_dim = std::int64_t{plan.kv_heads} * s.config.value_dim;
  const std::array<MatmulJob, 3> jobs = {{{&w.q, &s.ws.in, 0, s.tokens, s.ws.q.as<float>(), q_dim},
                                          {&w.k, &s.ws.in, 0, s.tokens, s.ws.k.as<float>(), k_dim},
                                          {&w.v, &s.ws.in, 0, s.tokens, s.ws.v.as<float>(), v_dim}}};
  s.multiply(jobs);
}

NormWeights norm_of_head(NormWeights norm, std::int64_t offset) {
  return {norm.weight + offset, norm.bias == nullptr ? nullptr : norm.bias + offset};
}

// The norms of head h of a token, learned ones and then scaling to length 1.
void norm_head(const Step& s, NormWeights norm, bool to_length_1, int h, float* head) {
  const QkNorm kind = s.config.arch->qk_norm;
  const int n = s.config.head_dim;
  if (kind == QkNorm::own_per_head && norm.weight != nullptr) norm = norm_of_head(norm, std::int64_t{h} * n);
  if (kind == QkNorm::per_head || (kind == QkNorm::own_per_head && norm.weight != nullptr))
    s.norm(norm, head, n, head);
  if (!to_length_1) return;
  double sum = 0;
  for (int d = 0; d < n; ++d) sum += double(head[d]) * double(head[d]);
  s.kernels.scale(head, float(1 / std::max(std::sqrt(sum), 1e-12)), n);
}

// The rotation of token t by a turn; in layers that turn nothing, none.
RotateArgs rotation(const Step& s, const LayerPlan& plan, Turn turn, int t) {
  if (!plan.rope || !s.positions.has(turn)) return {};
  const int half = s.positions.rot() / 2;
  const std::int64_t row = (std::int64_t(turn) * s.ws.batch + t) * half;
  return {nullptr, s.ws.cos.as<float>() + row, s.ws.sin.as<float>() + row, s.positions.rot(),
          s.config.arch->rope == Rope::halves};
}

void rotate(const Step& s, RotateArgs by, float* head) {
  by.x = head;
  if (by.rot > 0) s.kernels.rotate(by);
}

// Norms that span all heads of a token come before the heads part.
void norm_full_width(const Step& s, const LayerPlan& plan, const LayerWeights& w) {
  const std::int32_t q_dim = plan.heads * s.config.head_dim, k_dim = plan.kv_heads * s.config.head_dim;
  const Range part = s.worker.split(s.tokens);
  for (std::int64_t t = part.begin; t < part.end; ++t) {
    float *q = s.ws.q.as<float>() + t * q_dim, *k = s.ws.k.as<float>() + t * k_dim;
    s.norm(w.q_norm, q, q_dim, q);
    s.norm(w.k_norm, k, k_dim, k);
  }
  s.worker.sync();
}

bool asks_far(const Step& s, const LayerPlan& plan) {
  return plan.window == 0 && s.positions.has(Turn::far_query);
}

// Scales and rotates a query in place; where the memory has far keys, a second copy is turned for them.
void place_query(const Step& s, const LayerPlan& plan, const LayerWeights& w, int t, int h) {
  const int n = s.config.head_dim;
  const std::int64_t at = (std::int64_t{t} * plan.heads + h) * n;
  float* q = s.ws.q.as<float>() + at;
  norm_head(s, w.q_norm, s.config.attention.query_norm, h, q);
  s.kernels.scale(q, s.positions.query_scale(plan, s.position + t), n);
  if (asks_far(s, plan)) {
    float* far = s.ws.far_q.as<float>() + at;
    std::copy_n(q, n, far);
    rotate(s, rotation(s, plan, Turn::far_query, t), far);
  }
  rotate(s, rotation(s, plan, s.positions.turn_of(plan), t), q);
}

void place_key(const Step& s, int il, const LayerPlan& plan, int t, int h) {
  const std::int64_t row = std::int64_t{t} * plan.kv_heads + h;
  float* k = s.ws.k.as<float>() + row * s.config.head_dim;
  norm_head(s, s.weights.layers[std::size_t(il)].k_norm, s.config.attention.key_norm, h, k);
  s.memories.layer(il).store(
      {s.kernels, s.scratch(), h, s.position + t, k, s.ws.v.as<float>() + row * s.config.value_dim,
       rotation(s, plan, s.positions.turn_of(plan), t), rotation(s, plan, Turn::far_key, t)});
}

// Work is shared out by (token, head), queries first.
void place(const Step& s, int il, const LayerPlan& plan, const LayerWeights& w) {
  const int per_token = plan.heads + plan.kv_heads;
  const Range part = s.worker.split(std::int64_t{s.tokens} * per_token);
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    const int t = int(i / per_token), h = int(i % per_token);
    if (h < plan.heads) {
      place_query(s, plan, w, t, h);
    } else {
      place_key(s, il, plan, t, h - plan.heads);
    }
  }
}

// The queries of neighbouring tokens, which find the same memory. They fall into units: up to kAttendRows
// rows of one kv head. Each unit goes through the parts of the memory, one partial result each.
struct Units {
  const Step& s;
  const LayerPlan& plan;
  const Memory& memory;
  Queries queries;
  int group;  // query heads per kv head
  int rows;   // of one kv head: tokens x group
  int tiles;  // units of one kv head
  int count;  // units in all
  int parts;

  Units(const Step& step, int il, int from, int to)
      : s(step),
        plan(step.config.layers[std::size_t(il)]),
        memory(step.memories.layer(il)),
        queries{from, to} {
    group = plan.heads / plan.kv_heads;
    rows = (queries.end - queries.begin) * group;
    tiles = (rows + kAttendRows - 1) / kAttendRows;
    count = tiles * plan.kv_heads;
    parts = memory.parts(queries);
  }

  Tile tile(int unit) const {
    Tile tile{s.kernels, s.scratch(), s.config.attention_softcap};
    tile.kv_head = unit / tiles;
    const int row0 = unit % tiles * kAttendRows;
    tile.rows = std::min(kAttendRows, rows - row0);
    for (int r = 0; r < tile.rows; ++r) {
      const auto i = std::size_t(r);
      const std::int64_t at = query_row(unit, r) * s.config.head_dim;
      tile.query[i] = s.ws.q.as<float>() + at;
      if (asks_far(s, plan)) tile.far_query[i] = s.ws.far_q.as<float>() + at;
      tile.position[i] = queries.begin + (row0 + r) / group;
    }
    return tile;
  }
  // (value_dim) where the result of row r of a unit goes.
  float* result(int unit, int r) const {
    const std::int64_t row = query_row(unit, r);
    return s.ws.in.row(row / plan.heads) + row % plan.heads * s.config.value_dim;
  }

 private:
  // Row of the batch's queries (tokens, heads).
  std::int64_t query_row(int unit, int r) const {
    const int row = unit % tiles * kAttendRows + r, head = unit / tiles * group + row % group;
    return std::int64_t{queries.begin - s.position + row / group} * plan.heads + head;
  }
};

// Starts the results of a unit, joins one part to them, and ends them.
struct Joined {
  const Units& u;
  int rows;
  std::array<float, kAttendRows> m{}, l{};
  std::array<float*, kAttendRows> result{};

  Joined(const Units& units, int unit, int tile_rows) : u(units), rows(tile_rows) {
    for (int r = 0; r < rows; ++r) {
      result[std::size_t(r)] = u.result(unit, r);
      std::fill_n(result[std::size_t(r)], u.s.config.value_dim, 0.0f);
    }
  }
  void add(const Partials& p) {
    const std::int32_t n = u.s.config.value_dim;
    for (int r = 0; r < rows; ++r) {
      const auto i = std::size_t(r);
      u.s.kernels.merge_partials(&m[i], &l[i], result[i], p.m[r], p.l[r], p.acc + r * n, n);
    }
  }
  void finish() {
    for (std::size_t r = 0; r < std::size_t(rows); ++r)
      u.s.kernels.scale(result[r], 1.0f / l[r], u.s.config.value_dim);
  }
};

// Few units (decoding): their parts are shared out too, and joined after a barrier.
void attend_split(const Units& u) {
  const Step& s = u.s;
  const std::int64_t stride = std::int64_t{kAttendRows} * (s.config.value_dim + 2);
  const auto partials = [&](std::int64_t item) {
    float* p = s.ws.partials.as<float>() + item * stride;
    return Partials{p, p + kAttendRows, p + 2 * kAttendRows};
  };
  s.worker.deal(std::int64_t{u.count} * u.parts, [&](std::int64_t i) {
    u.memory.attend(u.tile(int(i / u.parts)), u.queries, int(i % u.parts), partials(i));
  });
  s.worker.sync();
  const Range units = s.worker.split(u.count);
  for (std::int64_t unit = units.begin; unit < units.end; ++unit) {
    Joined joined(u, int(unit), u.tile(int(unit)).rows);
    for (int p = 0; p < u.parts; ++p) joined.add(partials(unit * u.parts + p));
    joined.finish();
  }
}

void attend_units(const Units& u) {
  const Step& s = u.s;
  std::array<float, kAttendRows> m, l;
  const Partials partial{m.data(), l.data(), s.scratch().acc.as<float>()};
  s.worker.deal(u.count, [&](std::int64_t unit) {
    const Tile tile = u.tile(int(unit));
    Joined joined(u, int(unit), tile.rows);
    for (int p = 0; p < u.parts; ++p) {
      u.memory.attend(tile, u.queries, p, partial);
      joined.add(partial);
    }
    joined.finish();
  });
}

// Shows the memory the far queries of some tokens, in the order of the text.
void show_queries(const Step& s, Memory& memory, const LayerPlan& plan, Queries queries) {
  const int group = plan.heads / plan.kv_heads;
  const Range heads = s.worker.split(plan.kv_heads);
  for (int i = queries.begin; i < queries.end && memory.observes(i); ++i) {
    for (int h = int(heads.begin); h < int(heads.end); ++h) {
      const std::int64_t row = std::int64_t{i - s.position} * plan.heads + h * group;
      memory.observe(h, i, s.ws.far_q.as<float>() + row * s.config.head_dim, group);
    }
  }
}

// The batch's queries in order, as far as each time the memory stays the same.
void attend_all(const Step& s, int il) {
  Memory& memory = s.memories.layer(il);
  const int end = s.position + s.tokens;
  for (int begin = s.position, next; begin < end; begin = next) {
    next = memory.same_until(begin, end);
    if (memory.changes_at(begin)) {
      memory.change(begin, s.worker, s.kernels, s.scratch());
      s.worker.sync();
    }
    show_queries(s, memory, s.config.layers[std::size_t(il)], {begin, next});
    const Units units(s, il, begin, next);
    if (units.count < s.ws.max_units && units.parts > 1) {
      attend_split(units);
    } else {
      attend_units(units);
    }
    s.worker.sync();
  }
}

}  // namespace

void attention(const Step& s, int il) noexcept {
  const LayerPlan& plan = s.config.layers[std::size_t(il)];
  const LayerWeights& w = s.weights.layers[std::size_t(il)];
  project(s, plan, w);
  s.worker.sync();
  if (s.config.arch->qk_norm == QkNorm::full_width) norm_full_width(s, plan, w);
  place(s, il, plan, w);
  s.worker.sync();
  attend_all(s, il);
  const std::int32_t width = plan.heads * s.config.value_dim;
  const ActKinds kinds = kinds_of({&w.attn_out});
  s.for_groups(s.tokens, width,
               [&](std::int64_t t, Range cols) { s.ws.in.round(s.kernels, t, cols, kinds); });
  s.worker.sync();
  const MatmulJob job{&w.attn_out, &s.ws.in, 0, s.tokens, s.ws.out.as<float>(), s.config.hidden};
  s.multiply({&job, 1});
  s.worker.sync();
}

}  // namespace longhand
