#include "engine/forward/scan_inputs.h"

#include <algorithm>

namespace longhand {
namespace {

// The parts of one row's product, each normalised.
void take_parts(const Pass& p, const ScanInputsJob& job, const ScanInputsRoom& room, std::int64_t row) {
  const ScanInputs& in = job.inputs;
  const float* from = room.parts + row * in.values();
  const auto take = [&](std::int64_t part, const NormPlan& norm, int n, float* to) {
    std::copy_n(from + part, n, to);
    if (!norm.empty()) p.norm(norm, to, n, to);
  };
  take(job.parts.dt, in.dt_norm, in.dt_rank, room.ranks.row(row));
  take(job.parts.b, in.b_norm, in.state_size, room.b + row * in.state_size);
  take(job.parts.c, in.c_norm, in.state_size, room.c + row * in.state_size);
}

}  // namespace

void make_scan_inputs(const Pass& p, const ScanInputsJob& job, const ScanInputsRoom& room) noexcept {
  const ScanInputs& in = job.inputs;
  p.multiply_rows(in.x, job.x, p.rows(), room.parts);
  p.for_rows([&](int row) {
    take_parts(p, job, room, row);
    room.ranks.round(p.kernels, row, {0, in.dt_rank}, kinds_of({&in.dt}));
  });
  p.worker.sync();
  const std::int64_t steps = in.dt.weight.rows;
  p.multiply({&in.dt, &room.ranks, 0, p.rows(), room.steps, steps});
  p.worker.sync();
}

}  // namespace longhand
