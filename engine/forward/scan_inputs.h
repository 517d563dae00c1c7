// What Mamba's scans read beside x.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

struct ScanInputsRoom {
  float* parts;       // (rows, values): the product of x, in parts
  float *b, *c;       // (rows, state_size)
  Activations ranks;  // (rows, dt_rank)
  float* steps;       // (rows, inner or heads): time steps before the softplus

  ScanInputsRoom(Carver& carver, const ScanInputs& in, std::int64_t steps_width, int rows) noexcept
      : parts(carver.floats(rows, in.values())),
        b(carver.floats(rows, in.state_size)),
        c(carver.floats(rows, in.state_size)),
        ranks(carver, rows, in.dt_rank),
        steps(carver.floats(rows, steps_width)) {}
};

/// Where each part of the product of x begins.
struct ScanInputsParts {
  std::int64_t dt, b, c;
};

/// B, C and time steps of every row from x (rows, inner). Called by every worker after a barrier; ends with
/// one. Writes over ws.in.
struct ScanInputsJob {
  const ScanInputs& inputs;
  ScanInputsParts parts;
  const float* x;
};
void make_scan_inputs(const Pass& pass, const ScanInputsJob& job, const ScanInputsRoom& room) noexcept;

}  // namespace longhand
