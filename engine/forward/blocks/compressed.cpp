// Attention in which old tokens share compressed keys.
//
// Inside, the rotated dimensions of a head come first, as everywhere; matrices and norms have them last.

#include <algorithm>
#include <array>

#include "engine/forward/attention/compress.h"
#include "engine/forward/attention/indexer.h"
#include "engine/forward/attention/latent_queries.h"
#include "engine/forward/place.h"
#include "engine/forward/run_block.h"

namespace longhand {
namespace {

struct Room : AttentionRows {
  Activations q_latent;  // (rows, q_rank)
  IndexerRoom indexer;
  CompressRoom compressed;
  float* result;         // (rows, heads, head_dim)
  float* back;           // (rows, head_dim / 2) sines of the rotation back
  Activations by_group;  // (groups, rows, heads / groups x head_dim)
  float* lowered;        // (rows, groups, out_rank)

  Room(Carver& carver, const CompressedPlan& plan, const WorkspaceSizes& sizes) noexcept
      : AttentionRows(carver, plan, sizes),
        q_latent(carver, sizes.rows, plan.q_rank),
        indexer(carver, plan.indexer, sizes),
        compressed(carver, plan, sizes),
        result(carver.floats(sizes.rows, plan.result_dim())),
        back(carver.floats(sizes.rows, plan.head_dim / 2)),
        by_group(carver, std::int64_t{plan.groups} * sizes.rows, plan.group_values()),
        lowered(carver.floats(sizes.rows, plan.lowered())) {}
};

void project(const Pass& p, const CompressedPlan& plan, const Room& room) {
  const auto job = [&](const Linear& linear, float* to, std::int64_t stride) {
    return MatmulJob{&linear, &p.ws.in, 0, p.rows(), to, stride};
  };
  const CompressRoom& c = room.compressed;
  const std::array<MatmulJob, 6> jobs = {
      {job(plan.q_a, room.q_latent.row(0), room.q_latent.stride()), job(plan.kv, room.k, plan.head_dim),
       job(plan.keys.value, c.keys.value, plan.keys.rows()),
       job(plan.keys.gate, c.keys.gate, plan.keys.rows()),
       job(plan.index_keys.value, c.index_keys.value, plan.index_keys.rows()),
       job(plan.index_keys.gate, c.index_keys.gate, plan.index_keys.rows())}};
  p.multiply(std::span(jobs).first(plan.keys.empty() ? 2 : plan.index_keys.empty() ? 4 : 6));
  p.worker.sync();
  multiply_latent(p, plan, room.q_latent, room.q);
}

RotateArgs turn(const Pass& p, const CompressedPlan& plan, const Slice& slice, int row) {
  return rotation(p, plan, slice, slice.positions.rotation_of(plan), row);
}

// Heads with their rotated dimensions first. Keys are normalised.
void arrange(const Pass& p, const CompressedPlan& plan, const Room& room) {
  const int n = plan.head_dim;
  p.for_pieces(plan.heads + 1, [&](const Slice& slice, int row, int head) {
    const RotateArgs by = turn(p, plan, slice, row);
    if (head < plan.heads) {
      float* q = room.q + (std::int64_t{row} * plan.heads + head) * n;
      std::rotate(q, q + n - by.rot, q + n);
      return;
    }
    float* k = room.key(plan, row);
    p.norm(plan.kv_norm, k, n, k);
    std::rotate(k, k + n - by.rot, k + n);
    std::transform(by.sin, by.sin + by.rot / 2, room.back + std::int64_t{row} * (n / 2), std::negate<>());
  });
  p.worker.sync();
}

// What heads answer, turned back, for the matrices of their groups.
void group_results(const Pass& p, const CompressedPlan& plan, const Room& room) {
  const int n = plan.head_dim, together = plan.heads / plan.groups;
  p.for_pieces(plan.heads, [&](const Slice& slice, int row, int head) {
    RotateArgs by = turn(p, plan, slice, row);
    by.x = room.result + (std::int64_t{row} * plan.heads + head) * n;
    by.sin = room.back + std::int64_t{row} * (n / 2);
    p.kernels.rotate(by);
    const std::int64_t group = head / together;
    float* to = room.by_group.row(group * p.rows() + row) + std::int64_t{head % together} * n;
    to = std::copy(by.x + by.rot, by.x + n, to);
    std::copy_n(by.x, by.rot, to);
  });
  p.worker.sync();
  p.round(room.by_group, std::int64_t{plan.groups} * p.rows(), plan.group_values(),
          kinds_of({&plan.out_a[0]}));
  p.worker.sync();
}

}  // namespace

ActKinds input_kinds(const CompressedPlan& plan) noexcept {
  return kinds_of({&plan.q_a, &plan.kv, &plan.keys.value, &plan.keys.gate, &plan.index_keys.value,
                   &plan.index_keys.gate, &plan.indexer.weights});
}

std::int64_t widest_input(const CompressedPlan& plan) noexcept { return plan.lowered(); }

void measure(Carver& carver, const CompressedPlan& plan, const WorkspaceSizes& sizes) noexcept {
  Room(carver, plan, sizes);
}

void run(const Pass& p, const CompressedPlan& plan, float* out) noexcept {
  Carver carver(p.ws.room);
  Room room(carver, plan, p.ws.sizes());
  project(p, plan, room);
  arrange(p, plan, room);
  if (!plan.keys.empty()) compress(p, plan, room.compressed);
  room.chosen = choose_keys(p, plan, room.q_latent, room.indexer);
  room.to = {room.result, plan.result_dim(), plan.head_dim};
  attend(p, plan, room);
  group_results(p, plan, room);
  for (int g = 0; g < plan.groups; ++g) {
    p.multiply({&plan.out_a[std::size_t(g)], &room.by_group, std::int64_t{g} * p.rows(), p.rows(),
                room.lowered + std::int64_t{g} * plan.out_rank, plan.lowered()});
  }
  p.worker.sync();
  p.multiply_rows(plan.out_b, room.lowered, p.rows(), out);
}

}  // namespace longhand
