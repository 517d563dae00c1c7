// Mixture of experts: a router sends each token to a few of many feed-forward networks.
//
// The rows of a pass are gathered by expert, so that each expert's weights are read once for all of its
// tokens. A token's experts are added up in the order the router ranked them, however the pass was put
// together.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "engine/forward/network.h"
#include "engine/forward/route.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room {
  Routes routes;
  Activations latent;    // (rows, latent), where experts work in another width
  float* lifted;         // (rows, hidden) and back
  Activations in, mid;   // (rows x used, width), (rows x used, ff), grouped by expert
  NetworkRoom inner;     // (rows x used, ff)
  float* result;         // (rows x used, width)
  NetworkRoom shared;    // (rows, shared ff)
  float* shared_weight;  // (rows)

  Room(Carver& carver, const MoePlan& plan, const WorkspaceSizes& sizes) noexcept
      : routes(carver, plan, sizes.rows),
        latent(carver, plan.latent > 0 ? sizes.rows : 0, plan.latent),
        lifted(carver.floats(plan.latent > 0 ? sizes.rows : 0, plan.hidden)),
        in(carver, std::int64_t{sizes.rows} * plan.used, plan.width()),
        mid(carver, std::int64_t{sizes.rows} * plan.used, plan.ff),
        inner(carver, std::int64_t{sizes.rows} * plan.used, plan.ff),
        result(carver.floats(std::int64_t{sizes.rows} * plan.used, plan.width())),
        shared(carver, plan.shared.ff > 0 ? sizes.rows : 0, plan.shared.ff),
        shared_weight(carver.floats(sizes.rows, 1)) {}
};

// The same matrix of every expert that has tokens.
template <class Emit>
void for_active_experts(const MoePlan& plan, const Routes& routes, const Emit& emit) {
  for (int e = 0; e < plan.experts; ++e) {
    const std::int32_t first = routes.expert_begin[e], count = routes.expert_begin[e + 1] - first;
    if (count > 0) emit(std::size_t(e), first, count);
  }
}

void gather(const Pass& p, const MoePlan& plan, const Room& room) {
  const std::int32_t width = plan.width();
  const Activations& from = plan.latent > 0 ? room.latent : p.ws.in;
  const ActKinds kinds = kinds_of({&plan.up[0], plan.gated ? &plan.gate[0] : &plan.up[0]});
  p.for_pieces(plan.used, [&](const Slice&, int row, int i) {
    const std::int32_t to = room.routes.slot_row[std::int64_t{row} * plan.used + i];
    std::memcpy(room.in.row(to), from.row(row), std::size_t(width) * sizeof(float));
    room.in.round(p.kernels, to, {0, width}, kinds);
  });
  p.worker.sync();
}

void run_experts(const Pass& p, const MoePlan& plan, const Room& room) {
  const std::int64_t width = plan.width(), ff = plan.ff;
  for_active_experts(plan, room.routes, [&](std::size_t e, std::int32_t first, std::int32_t count) {
    std::array<MatmulJob, 2> jobs = {{{&plan.up[e], &room.in, first, count, room.inner.up + first * ff, ff}}};
    if (plan.gated) jobs[1] = {&plan.gate[e], &room.in, first, count, room.inner.gate + first * ff, ff};
    p.multiply(std::span(jobs).first(plan.gated ? 2 : 1));
  });
  p.worker.sync();
  activate(p, std::int64_t{p.rows()} * plan.used, {plan.act, plan.gated, room.inner, plan.down[0], room.mid});
  p.worker.sync();
  for_active_experts(plan, room.routes, [&](std::size_t e, std::int32_t first, std::int32_t count) {
    p.multiply({&plan.down[e], &room.mid, first, count, room.result + first * width, width});
  });
  p.worker.sync();
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
  if (!weighed) return;
  p.for_rows([&](int row) {
    p.kernels.scale(out + row * hidden, 1 / (1 + std::exp(-room.shared_weight[row])), plan.hidden);
  });
}

// to += the weighted results of the experts of a row, in the order the router ranked them.
void add_experts(const Pass& p, const MoePlan& plan, const Room& room, std::int64_t row, float* to) {
  for (std::int64_t slot = row * plan.used; slot < (row + 1) * plan.used; ++slot) {
    const float* y = room.result + std::int64_t{room.routes.slot_row[slot]} * plan.width();
    p.kernels.add_scaled(to, y, room.routes.weight[slot], plan.width());
  }
}

// out += latent_up(what the experts add up to).
void add_lifted(const Pass& p, const MoePlan& plan, const Room& room, float* out) {
  p.for_rows([&](int row) {
    std::fill_n(room.latent.row(row), plan.latent, 0.0f);
    add_experts(p, plan, room, row, room.latent.row(row));
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
  gather(p, plan, room);
  run_experts(p, plan, room);
  run_shared(p, plan, room, out);
  if (plan.latent > 0) {
    add_lifted(p, plan, room, out);
  } else {
    p.for_rows([&](int row) { add_experts(p, plan, room, row, out + std::int64_t{row} * plan.hidden); });
  }
  p.worker.sync();
}

}  // namespace longhand
