// Mixture of experts: a router sends each token to a few of many feed-forward networks.
//
// The rows of a pass are gathered by expert, so that each expert's weights are read once for all of its
// tokens. A token's experts are added up in the order the router ranked them, however the pass was put
// together.

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/forward/logistic.h"
#include "engine/forward/network.h"
#include "engine/forward/route.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

// Rows of a pass, one for each of the experts it goes to, grouped by expert.
struct Room {
  Routes routes;
  Activations latent;    // (rows, latent), where experts work in another width
  float* lifted;         // (rows, hidden) and back
  Activations in, mid;   // (rows x used, width), (rows x used, widest expert)
  NetworkRoom inner;     // (rows x used, widest expert)
  float* result;         // (rows x used, width)
  NetworkRoom shared;    // (rows, shared ff)
  float* shared_weight;  // (rows)
  float* sum;            // (rows, hidden) of the experts, where chunks read it

  Room(Carver& carver, const MoePlan& plan, const WorkspaceSizes& sizes) noexcept
      : routes(carver, plan, sizes.rows),
        latent(carver, plan.latent > 0 ? sizes.rows : 0, plan.latent),
        lifted(carver.floats(plan.latent > 0 ? sizes.rows : 0, plan.hidden)),
        in(carver, std::int64_t{sizes.rows} * plan.used,
           std::max(plan.width(), plan.chunks > 0 ? plan.hidden : 0)),
        mid(carver, std::int64_t{sizes.rows} * plan.used, std::max(plan.ff, plan.chunk_ff)),
        inner(carver, std::int64_t{sizes.rows} * plan.used, std::max(plan.ff, plan.chunk_ff)),
        result(carver.floats(std::int64_t{sizes.rows} * plan.used,
                             std::max(plan.width(), plan.chunks > 0 ? plan.hidden : 0))),
        shared(carver, plan.shared.ff > 0 ? sizes.rows : 0, plan.shared.ff),
        shared_weight(carver.floats(sizes.rows, 1)),
        sum(carver.floats(plan.chunks > 0 ? sizes.rows : 0, plan.hidden)) {}
};

// The experts, or their chunks.
struct Networks {
  const MoePlan& plan;
  const std::vector<Linear>&gate, &up, &down;
  std::int32_t width;
  std::int64_t ff;

  bool gated() const noexcept { return !gate.empty(); }
};

// The same matrix of every network that has tokens.
template <class Emit>
void for_active(const Networks& n, const Routes& routes, const Emit& emit) {
  for (std::size_t e = 0; e < n.up.size(); ++e) {
    const std::int32_t first = routes.expert_begin[e], count = routes.expert_begin[e + 1] - first;
    if (count > 0) emit(e, first, count);
  }
}

// Rows of `from` go to the networks' rows; from(row) is (n.width).
template <class From>
void gather(const Pass& p, const Networks& n, const Room& room, const From& from) {
  const MoePlan& plan = n.plan;
  const ActKinds kinds = kinds_of({&n.up[0], n.gated() ? &n.gate[0] : &n.up[0]});
  p.for_pieces(plan.used, [&](const Slice&, int row, int i) {
    const std::int64_t slot = std::int64_t{row} * plan.used + i;
    const std::int32_t to = room.routes.slot_row[slot];
    std::memcpy(room.in.row(to), from(row), std::size_t(n.width) * sizeof(float));
    if (plan.weighs_input) p.kernels.scale(room.in.row(to), room.routes.weight[slot], n.width);
    room.in.round(p.kernels, to, {0, n.width}, kinds);
  });
  p.worker.sync();
}

// Products of several networks as one stage: a worker's piece of one expert alone is over before it has begun
// to stream.
class Stage {
 public:
  explicit Stage(const Pass& p) noexcept : p_(p) {}
  ~Stage() { run(); }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  void add(const MatmulJob& job) noexcept {
    jobs_[count_++] = job;
    if (count_ == jobs_.size()) run();
  }

 private:
  void run() noexcept {
    if (count_ > 0) p_.multiply(std::span(jobs_).first(count_));
    count_ = 0;
  }

  const Pass& p_;
  std::array<MatmulJob, 32> jobs_;
  std::size_t count_ = 0;
};

void run_networks(const Pass& p, const Networks& n, const Room& room) {
  const std::int64_t ff = n.ff;
  {
    Stage stage(p);
    for_active(n, room.routes, [&](std::size_t e, std::int32_t first, std::int32_t count) {
      const std::int32_t* rows = room.routes.pass_row + first;
      if (n.gated()) stage.add({&n.gate[e], &room.in, first, count, room.inner.gate + first * ff, ff, rows});
      stage.add({&n.up[e], &room.in, first, count, room.inner.up + first * ff, ff, rows});
    });
  }
  p.worker.sync();
  activate(p, std::int64_t{p.rows()} * n.plan.used,
           {n.plan.act, n.gated(), n.plan.limit, n.plan.limits_gate, room.inner, n.down[0], room.mid});
  p.worker.sync();
  {
    Stage stage(p);
    for_active(n, room.routes, [&](std::size_t e, std::int32_t first, std::int32_t count) {
      stage.add({&n.down[e], &room.mid, first, count, room.result + std::int64_t{first} * n.width, n.width,
                 room.routes.pass_row + first});
    });
  }
  p.worker.sync();
}

// Adds up what the networks made of a row.
void add_results(const Pass& p, const MoePlan& plan, const Room& room, int row, float* to) {
  for (std::int64_t slot = std::int64_t{row} * plan.used; slot < (std::int64_t{row} + 1) * plan.used;
       ++slot) {
    const float* y = room.result + std::int64_t{room.routes.slot_row[slot]} * plan.width();
    p.kernels.add_scaled(to, y, plan.weighs_input ? 1 : room.routes.weight[slot], plan.width());
  }
}

// out = the shared network of every token, scaled by its own gate where it has one; or zero.
void run_shared(const Pass& p, const MoePlan& plan, const Room& room, float* out) {
  const std::int64_t hidden = plan.hidden;
  if (plan.shared.ff == 0) {
    p.for_rows([&](int row) { std::fill_n(out + row * hidden, hidden, 0.0f); });
    return;
  }
  const bool weighed = !plan.shared_router.empty();
  const MatmulJob router{&plan.shared_router, &p.ws.in, 0, p.rows(), room.shared_weight, 1};
  run_network(p, plan.shared, room.shared, out, weighed ? &router : nullptr);
  if (!weighed && plan.shared_scale == 1) return;
  p.for_rows([&](int row) {
    const float weight = weighed ? sigmoid(room.shared_weight[row]) : 1;
    p.kernels.scale(out + row * hidden, plan.shared_scale * weight, plan.hidden);
  });
}

// out += latent_up(what the experts add up to).
void add_lifted(const Pass& p, const MoePlan& plan, const Room& room, float* out) {
  p.for_rows([&](int row) {
    std::fill_n(room.latent.row(row), plan.latent, 0.0f);
    add_results(p, plan, room, row, room.latent.row(row));
    room.latent.round(p.kernels, row, {0, plan.latent}, kinds_of({&plan.latent_up}));
  });
  p.worker.sync();
  p.multiply({&plan.latent_up, &room.latent, 0, p.rows(), room.lifted, plan.hidden});
  p.worker.sync();
  p.for_rows([&](int row) {
    const std::int64_t at = std::int64_t{row} * plan.hidden;
    p.kernels.add(out + at, room.lifted + at, plan.hidden);
  });
}

// Sums up the experts of a token, and lets the chunks compute on that sum; run() adds their results.
void run_chunks(const Pass& p, const MoePlan& plan, const Room& room, float* out) {
  const auto sum = [&](int row) { return room.sum + std::int64_t{row} * plan.hidden; };
  p.for_rows([&](int row) {
    std::fill_n(sum(row), plan.hidden, 0.0f);
    add_results(p, plan, room, row, sum(row));
    p.kernels.add(out + std::int64_t{row} * plan.hidden, sum(row), plan.hidden);
  });
  p.worker.sync();
  route_chunks(p, plan, room.routes);
  const Networks chunks{plan, plan.chunk_gate, plan.chunk_up, plan.chunk_down, plan.hidden, plan.chunk_ff};
  gather(p, chunks, room, sum);
  run_networks(p, chunks, room);
}

}  // namespace

ActKinds input_kinds(const MoePlan& plan) noexcept {
  return kinds_of({&plan.router, &plan.latent_down, &plan.shared.gate, &plan.shared.up, &plan.shared_router});
}

std::int64_t widest_input(const MoePlan& plan) noexcept { return plan.shared.ff; }

void measure(Carver& carver, const MoePlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const MoePlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  const Room room(carver, plan, p.ws.sizes());
  route(p, plan, room.routes);
  if (plan.latent > 0) {
    p.multiply({&plan.latent_down, &p.ws.in, 0, p.rows(), room.latent.row(0), room.latent.stride()});
    p.worker.sync();
  }
  const Networks experts{plan, plan.gate, plan.up, plan.down, plan.width(), plan.ff};
  const Activations& from = plan.latent > 0 ? room.latent : p.ws.in;
  gather(p, experts, room, [&](int row) { return from.row(row); });
  run_networks(p, experts, room);
  run_shared(p, plan, room, out);
  if (plan.latent > 0) {
    add_lifted(p, plan, room, out);
  } else {
    if (plan.chunks > 0) run_chunks(p, plan, room, out);
    p.for_rows([&](int row) { add_results(p, plan, room, row, out + std::int64_t{row} * plan.hidden); });
  }
  p.worker.sync();
}

}  // namespace longhand
