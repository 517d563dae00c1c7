#include "engine/forward/attention/attend.h"

#include <algorithm>
#include <array>

#include "engine/forward/place.h"

namespace longhand {
namespace {

// One layer's attention over a pass.
struct Layer {
  const Pass& pass;
  const AttentionCore& core;
  const AttentionRows& rows;
};

// The queries of neighbouring tokens of a slice, which find the same state. They fall into units: up to
// kAttendRows rows of one kv head, where an indexer chose of one token. Each unit goes through the parts of
// the state, one partial result each.
struct Units {
  const Layer& layer;
  const AttentionCore& core;
  const Slice& slice;
  const AttentionState& state;
  Queries queries;
  int together;        // rows of one kv head that may share units: tokens x query heads per kv head
  int tiles_of_these;  // units they fall into
  int tiles;           // units of one kv head
  int count;           // units in all
  int parts;

  Units(const Layer& of, const Slice& of_slice, Queries asked)
      : layer(of),
        core(of.core),
        slice(of_slice),
        state(of_slice.states.attention(core.state)),
        queries(asked),
        together((layer.rows.chosen.count == nullptr ? asked.end - asked.begin : 1) * core.group()),
        tiles_of_these((together + kAttendRows - 1) / kAttendRows),
        tiles(tiles_of_these * ((asked.end - asked.begin) * core.group() / together)),
        count(tiles * core.kv_heads),
        parts(state.parts(asked)) {}

  Tile tile(int unit) const {
    Tile tile{layer.pass.kernels, layer.pass.scratch(), core.softcap};
    tile.kv_head = unit / tiles;
    tile.slopes = !core.slopes.empty();
    tile.rows = std::min(kAttendRows, together - unit % tiles_of_these * kAttendRows);
    const int row0 = first_row(unit);
    for (int r = 0; r < tile.rows; ++r) {
      const auto i = std::size_t(r);
      const Place place = place_of(unit, r);
      const std::int64_t at = (std::int64_t{place.row} * core.heads + place.head) * core.head_dim;
      tile.query[i] = layer.rows.q + at;
      if (asks_far(slice, core)) tile.far_query[i] = layer.rows.far_q + at;
      tile.position[i] = queries.begin + (row0 + r) / core.group();
      if (tile.slopes) tile.slope[i] = core.slopes[std::size_t(place.head)];
    }
    if (layer.rows.chosen.count != nullptr) choose(tile, place_of(unit, 0).row);
    return tile;
  }
  // Row of the pass and head of row r of a unit.
  struct Place {
    int row, head;
  };
  Place place_of(int unit, int r) const {
    const int row = first_row(unit) + r, group = core.group();
    return {slice.first_row + queries.begin - slice.position + row / group,
            unit / tiles * group + row % group};
  }

 private:
  // Of a unit, among all rows of its kv head.
  int first_row(int unit) const {
    const int tile = unit % tiles;
    return tile / tiles_of_these * together + tile % tiles_of_these * kAttendRows;
  }
  void choose(Tile& tile, int row) const {
    const IndexerPlan& plan = core.indexer;
    const std::int64_t choice =
        std::int64_t{row} * plan.choices() + (plan.for_each_kv_head ? tile.kv_head : 0);
    const std::int32_t count = layer.rows.chosen.count[choice];
    if (count < 0) return;
    tile.block = plan.block;
    tile.chosen = {layer.rows.chosen.blocks + choice * plan.top, std::size_t(count)};
  }
};

// Starts the results of a unit, joins one part to them, and ends them.
struct Joined {
  const Units& u;
  int rows;
  std::array<float, kAttendRows> m{}, l{};
  std::array<float*, kAttendRows> result{};

  // A sink is a score that has been seen already, with a value of zeros.
  Joined(const Units& units, int unit, int tile_rows) : u(units), rows(tile_rows) {
    const AttendTarget& to = u.layer.rows.to;
    for (int r = 0; r < rows; ++r) {
      const auto i = std::size_t(r);
      const auto [row, head] = u.place_of(unit, r);
      result[i] = to.base + row * to.row_stride + head * to.head_stride;
      std::fill_n(result[i], u.core.value_dim, 0.0f);
      if (u.core.sinks == nullptr) continue;
      m[i] = u.core.sinks[head];
      l[i] = 1;
    }
  }
  void add(const Partials& p) {
    const std::int32_t n = u.core.value_dim;
    for (int r = 0; r < rows; ++r) {
      const auto i = std::size_t(r);
      u.layer.pass.kernels.merge_partials(&m[i], &l[i], result[i], p.m[r], p.l[r], p.acc + r * n, n);
    }
  }
  void finish() {
    for (std::size_t r = 0; r < std::size_t(rows); ++r)
      u.layer.pass.kernels.scale(result[r], 1.0f / l[r], u.core.value_dim);
  }
};

// Few units (decoding): their parts are shared out too, and joined after a barrier.
class SplitUnits {
 public:
  // `first`: partial results of the workspace that others use.
  SplitUnits(const Units& units, std::int64_t first) : u_(units), first_(first) {}

  bool pays() const {
    const Workspace& ws = u_.layer.pass.ws;
    return u_.count < ws.max_units && u_.parts > 1 && first_ + items() <= ws.partial_items;
  }
  std::int64_t items() const { return std::int64_t{u_.count} * u_.parts; }

  void attend() const {
    u_.layer.pass.worker.deal(items(), [&](std::int64_t i) {
      u_.state.attend(u_.tile(int(i / u_.parts)), u_.queries, int(i % u_.parts), partials(i));
    });
  }
  void join() const {
    const Range units = u_.layer.pass.worker.split(u_.count);
    for (std::int64_t unit = units.begin; unit < units.end; ++unit) {
      Joined joined(u_, int(unit), u_.tile(int(unit)).rows);
      for (int part = 0; part < u_.parts; ++part) joined.add(partials(unit * u_.parts + part));
      joined.finish();
    }
  }

 private:
  Partials partials(std::int64_t item) const {
    const std::int64_t stride = std::int64_t{kAttendRows} * (u_.core.value_dim + 2);
    float* p = u_.layer.pass.ws.partials + (first_ + item) * stride;
    return {p, p + kAttendRows, p + 2 * kAttendRows};
  }

  const Units& u_;
  std::int64_t first_;
};

void attend_units(const Units& u) {
  const Pass& p = u.layer.pass;
  std::array<float, kAttendRows> m, l;
  const Partials partial{m.data(), l.data(), p.scratch().acc.as<float>()};
  p.worker.deal(u.count, [&](std::int64_t unit) {
    const Tile tile = u.tile(int(unit));
    Joined joined(u, int(unit), tile.rows);
    for (int part = 0; part < u.parts; ++part) {
      u.state.attend(tile, u.queries, part, partial);
      joined.add(partial);
    }
    joined.finish();
  });
}

// Shows the state the far queries of some tokens, in the order of the text.
void show_queries(const Layer& layer, const Slice& slice, AttentionState& state, Queries queries) {
  const AttentionCore& core = layer.core;
  const Range heads = layer.pass.worker.split(core.kv_heads);
  for (int i = queries.begin; i < queries.end && state.observes(i); ++i) {
    for (int h = int(heads.begin); h < int(heads.end); ++h) {
      const std::int64_t row =
          std::int64_t{slice.first_row + i - slice.position} * core.heads + h * core.group();
      state.observe(h, i, layer.rows.far_q + row * core.head_dim, core.group());
    }
  }
}

// All slices together: the queries of each in order, as far as each time its state stays the same.
class Waves {
 public:
  explicit Waves(const Layer& layer) : layer_(layer), next_(layer.pass.scratch().next) {
    for (std::size_t i = 0; i < slices().size(); ++i) next_[i] = slices()[i].position;
  }

  void run() {
    while (change_states()) {
      std::int64_t used = 0;
      for_each_wave([&](const Slice& slice, Queries queries) {
        show_queries(layer_, slice, slice.states.attention(layer_.core.state), queries);
        const Units units(layer_, slice, queries);
        const SplitUnits split(units, used);
        if (!split.pays()) return attend_units(units);
        split.attend();
        used += split.items();
      });
      layer_.pass.worker.sync();
      if (used > 0) join();
      for (std::size_t i = 0; i < slices().size(); ++i) next_[i] = end_of_wave(i);
    }
  }

 private:
  std::span<const Slice> slices() const { return layer_.pass.slices; }
  AttentionState& state(std::size_t i) const { return slices()[i].states.attention(layer_.core.state); }
  bool has_more(std::size_t i) const { return next_[i] < slices()[i].end(); }
  int end_of_wave(std::size_t i) const {
    return has_more(i) ? state(i).same_until(next_[i], slices()[i].end()) : next_[i];
  }

  template <class Function>
  void for_each_wave(const Function& f) const {
    for (std::size_t i = 0; i < slices().size(); ++i) {
      if (has_more(i)) f(slices()[i], Queries{next_[i], end_of_wave(i)});
    }
  }

  // False where no slice has queries left.
  bool change_states() const {
    const Pass& p = layer_.pass;
    bool any = false, changed = false;
    for (std::size_t i = 0; i < slices().size(); ++i) {
      any = any || has_more(i);
      if (!has_more(i) || !layer_.core.stores || !state(i).changes_at(next_[i])) continue;
      state(i).change(next_[i], p.worker, p.kernels, p.scratch());
      changed = true;
    }
    if (changed) p.worker.sync();
    return any;
  }

  // Whoever's parts were shared out, in the same order as before.
  void join() const {
    std::int64_t used = 0;
    for_each_wave([&](const Slice& slice, Queries queries) {
      const Units units(layer_, slice, queries);
      const SplitUnits split(units, used);
      if (!split.pays()) return;
      split.join();
      used += split.items();
    });
    layer_.pass.worker.sync();
  }

  const Layer& layer_;
  std::vector<int>& next_;
};

}  // namespace

void attend(const Pass& pass, const AttentionCore& core, const AttentionRows& rows) noexcept {
  place(pass, core, rows);
  const Layer layer{pass, core, rows};
  Waves(layer).run();
}

}  // namespace longhand
