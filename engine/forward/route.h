// Which experts each row of a pass goes to, and with what weight.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// The choice of experts. Slot row * used + i stands for the i-th best expert of a row.
struct Routes {
  float* scores;               // (rows, experts) the router's outputs, then probabilities
  float* selection;            // (rows, experts) what experts are chosen by, where that is something else
  float* weight;               // (rows, used)
  std::int32_t* chosen;        // (rows, used)
  std::int32_t* slot_row;      // (rows, used) row of each slot once slots are grouped by expert
  std::int32_t* expert_begin;  // (experts + 1) first of these rows of each expert
  Activations in;              // (rows, hidden) what the router reads, where it has a norm of its own

  Routes(Carver& carver, const MoePlan& plan, std::int64_t rows) noexcept
      : scores(carver.floats(rows, plan.experts)),
        selection(carver.floats(rows, plan.experts)),
        weight(carver.floats(rows, plan.used)),
        chosen(carver.take<std::int32_t>(rows * plan.used)),
        slot_row(carver.take<std::int32_t>(rows * plan.used)),
        expert_begin(carver.take<std::int32_t>(plan.experts + 1)),
        in(carver, plan.router_norm.empty() ? 0 : rows, plan.hidden) {}
};

/// Fills the routes from ws.in, or from the stream where the router has a norm of its own. Called by every
/// worker; ends with a barrier.
void route(const Pass& pass, const MoePlan& plan, const Routes& routes) noexcept;

}  // namespace longhand
