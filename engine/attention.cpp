// Self-attention of one layer: project, normalise, rotate, append to the cache, attend, project back.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/matmul_stage.h"
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
  run_matmuls(s.kernels, s.worker, jobs, s.scratch().panel.data());
}

NormWeights norm_of_head(NormWeights norm, std::int64_t offset) {
  return {norm.weight + offset, norm.bias == nullptr ? nullptr : norm.bias + offset};
}

// Norm and rotation of head h of token t.
void place_head(const Step& s, const LayerPlan& plan, NormWeights norm, int t, int h, float* head) {
  const QkNorm kind = s.config.arch->qk_norm;
  if (kind == QkNorm::own_per_head && norm.weight != nullptr)
    norm = norm_of_head(norm, std::int64_t{h} * s.config.head_dim);
  if (kind == QkNorm::per_head || (kind == QkNorm::own_per_head && norm.weight != nullptr)) {
    s.norm(norm, head, s.config.head_dim, head);
  }
  if (!plan.rope) return;
  const int half = s.positions.rot() / 2;
  const std::int64_t row = (std::int64_t{plan.local_rope} * s.ws.batch + t) * half;
  s.kernels.rotate({head, s.ws.cos.as<float>() + row, s.ws.sin.as<float>() + row, s.positions.rot(),
                    s.config.arch->rope == Rope::halves});
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

// Queries in place; keys and values into the cache. Work is shared out by (token, head): queries first.
void place(const Step& s, int il, const LayerPlan& plan, const LayerWeights& w) {
  const int head_dim = s.config.head_dim, value_dim = s.config.value_dim,
            per_token = plan.heads + plan.kv_heads;
  const CacheFormat keys = s.cache.key_format(), values = s.cache.value_format();
  const Range part = s.worker.split(std::int64_t{s.tokens} * per_token);
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    const int t = int(i / per_token), h = int(i % per_token);
    if (h < plan.heads) {
      float* q = s.ws.q.as<float>() + (std::int64_t{t} * plan.heads + h) * head_dim;
      place_head(s, plan, w.q_norm, t, h, q);
      s.kernels.scale(q, s.positions.query_scale(s.position + t), head_dim);
    } else {
      const std::int64_t row = std::int64_t{t} * plan.kv_heads + h - plan.heads;
      float* k = s.ws.k.as<float>() + row * head_dim;
      place_head(s, plan, w.k_norm, t, h - plan.heads, k);
      const int position = s.position + t;
      const KvView kv = s.cache.view(il, h - plan.heads, position);
      s.kernels.store_key[int(keys)](kv, position % kAttendKeys, k);
      s.kernels.store_value[int(values)](kv, position % kAttendKeys, s.ws.v.as<float>() + row * value_dim);
    }
  }
}

// The attention of a layer falls into units: up to kAttendRows query rows of one kv head, a row being one
// head of one token. Each unit goes through the keys it sees in chunks at fixed positions, one partial result
// per chunk, joined in the order of the chunks: the same additions whoever computes what.
struct Units {
  const Step& s;
  const LayerPlan& plan;
  int group;                // query heads per kv head
  int rows;                 // of one kv head: tokens x group
  int tiles;                // units of one kv head
  int count;                // units in all
  int first_chunk, chunks;  // chunks any row sees

  Units(const Step& step, const LayerPlan& p) : s(step), plan(p) {
    group = plan.heads / plan.kv_heads;
    rows = s.tokens * group;
    tiles = (rows + kAttendRows - 1) / kAttendRows;
    count = tiles * plan.kv_heads;
    first_chunk = seen_from(0) / kAttendKeys;
    chunks = (s.position + s.tokens + kAttendKeys - 1) / kAttendKeys - first_chunk;
  }
  int seen_from(int t) const { return plan.window == 0 ? 0 : std::max(0, s.position + t - plan.window + 1); }
};

struct Tile {
  int kv_head, rows;
  int begin, end;  // keys some row sees
  std::array<const float*, kAttendRows> q{};
  std::array<std::int32_t, kAttendRows> from{}, to{};
  std::array<float*, kAttendRows> result{};  // (value_dim) of each row

  Tile(const Units& u, int unit) {
    kv_head = unit / u.tiles;
    const int row0 = unit % u.tiles * kAttendRows;
    rows = std::min(kAttendRows, u.rows - row0);
    for (int r = 0; r < rows; ++r) {
      const int t = (row0 + r) / u.group, head = kv_head * u.group + (row0 + r) % u.group;
      const auto i = std::size_t(r);
      q[i] = u.s.ws.q.as<float>() + (std::int64_t{t} * u.plan.heads + head) * u.s.config.head_dim;
      result[i] = u.s.ws.in.row(t) + std::int64_t{head} * u.s.config.value_dim;
      from[i] = u.seen_from(t);
      to[i] = u.s.position + t + 1;
    }
    begin = from[0];
    end = to[std::size_t(rows - 1)];
  }
};

// One partial result per row: m, l and acc (value_dim).
struct Partials {
  float *m, *l, *acc;
};

// Positions inside the chunk count from its start.
void attend_chunk(const Units& u, int il, const Tile& tile, int chunk, const Partials& to) {
  const Step& s = u.s;
  const int start = chunk * kAttendKeys;
  std::array<std::int32_t, kAttendRows> first, last;
  for (std::size_t r = 0; r < std::size_t(tile.rows); ++r) {
    first[r] = std::clamp(tile.from[r] - start, 0, kAttendKeys);
    last[r] = std::clamp(tile.to[r] - start, 0, kAttendKeys);
  }
  AttendArgs a;
  a.kv = s.cache.view(il, tile.kv_head, start);
  a.begin = std::max(0, tile.begin - start) / kKeyBlock * kKeyBlock;
  a.end = std::min(kAttendKeys, tile.end - start);
  a.rows = tile.rows;
  a.q = tile.q.data();
  a.from = first.data();
  a.to = last.data();
  a.softcap = s.config.attention_softcap;
  a.scores = s.scratch().scores.as<float>();
  a.m = to.m;
  a.l = to.l;
  a.acc = to.acc;
  if (a.begin >= a.end) {
    std::fill_n(to.l, tile.rows, 0.0f);
    return;
  }
  s.kernels.attend_keys[int(s.cache.key_format())](a);
  s.kernels.attend_values[int(s.cache.value_format())](a);
}

// Starts the results of a tile, joins one chunk to them, and ends them.
struct Joined {
  const Step& s;
  const Tile& tile;
  std::array<float, kAttendRows> m{}, l{};

  Joined(const Step& step, const Tile& t) : s(step), tile(t) {
    for (int r = 0; r < tile.rows; ++r) std::fill_n(tile.result[std::size_t(r)], s.config.value_dim, 0.0f);
  }
  void add(const Partials& p) {
    for (int r = 0; r < tile.rows; ++r) {
      const auto i = std::size_t(r);
      s.kernels.merge_partials(&m[i], &l[i], tile.result[i], p.m[r], p.l[r], p.acc + r * s.config.value_dim,
                               s.config.value_dim);
    }
  }
  void finish() {
    for (int r = 0; r < tile.rows; ++r)
      s.kernels.scale(tile.result[std::size_t(r)], 1.0f / l[std::size_t(r)], s.config.value_dim);
  }
};

// Few units (decoding): their chunks are shared out too, and joined after a barrier.
void attend_split(const Units& u, int il) {
  const Step& s = u.s;
  const std::int64_t stride = std::int64_t{kAttendRows} * (s.config.value_dim + 2);
  const auto partials = [&](std::int64_t item) {
    float* p = s.ws.partials.as<float>() + item * stride;
    return Partials{p, p + kAttendRows, p + 2 * kAttendRows};
  };
  const Range part = s.worker.split(std::int64_t{u.count} * u.chunks);
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    attend_chunk(u, il, Tile(u, int(i / u.chunks)), u.first_chunk + int(i % u.chunks), partials(i));
  }
  s.worker.sync();
  const Range units = s.worker.split(u.count);
  for (std::int64_t unit = units.begin; unit < units.end; ++unit) {
    const Tile tile(u, int(unit));
    Joined joined(s, tile);
    for (int c = 0; c < u.chunks; ++c) joined.add(partials(unit * u.chunks + c));
    joined.finish();
  }
}

void attend_units(const Units& u, int il) {
  const Step& s = u.s;
  std::array<float, kAttendRows> m, l;
  const Partials partial{m.data(), l.data(), s.scratch().acc.as<float>()};
  // Later tiles see more keys: dealing them out in turn keeps the workers' shares alike.
  for (int unit = s.worker.id; unit < u.count; unit += s.worker.count) {
    const Tile tile(u, unit);
    Joined joined(s, tile);
    for (int c = 0; c < u.chunks; ++c) {
      attend_chunk(u, il, tile, u.first_chunk + c, partial);
      joined.add(partial);
    }
    joined.finish();
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
  const Units units(s, plan);
  if (units.count < s.ws.max_units && units.chunks > 1) {
    attend_split(units, il);
  } else {
    attend_units(units, il);
  }
  s.worker.sync();
  const std::int32_t width = plan.heads * s.config.value_dim;
  const ActKinds kinds = kinds_of({&w.attn_out});
  const Range part = s.worker.split(s.tokens);
  for (std::int64_t t = part.begin; t < part.end; ++t) s.ws.in.round(s.kernels, t, width, kinds);
  s.worker.sync();
  const MatmulJob job{&w.attn_out, &s.ws.in, 0, s.tokens, s.ws.out.as<float>(), s.config.hidden};
  run_matmuls(s.kernels, s.worker, {&job, 1}, s.scratch().panel.data());
  s.worker.sync();
}

}  // namespace longhand
