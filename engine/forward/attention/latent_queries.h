// Queries that are made of a shorter vector.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// to (rows, outputs of q_b) = plan.q_b(the norm of latent), which stays rounded for the plan's indexer too.
/// Called by every worker after a barrier; ends with one.
template <class Plan>
void multiply_latent(const Pass& pass, const Plan& plan, const Activations& latent, float* to) noexcept {
  pass.for_rows([&](int row) {
    float* x = latent.row(row);
    pass.norm(plan.q_a_norm, x, plan.q_rank, x);
    latent.round(pass.kernels, row, {0, plan.q_rank}, kinds_of({&plan.q_b, &plan.indexer.q}));
  });
  pass.worker.sync();
  pass.multiply({&plan.q_b, &latent, 0, pass.rows(), to, plan.q_b.weight.rows});
  pass.worker.sync();
}

}  // namespace longhand
