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
  std::int32_t* pass_row;      // (rows x used) the pass's row of each of these rows
  std::int32_t* expert_begin;  // (experts + 1) first of these rows of each expert
  Activations in;              // (rows, hidden) what the router reads, where it is not what experts read

  Routes(Carver& carver, const MoePlan& plan, std::int64_t rows) noexcept
      : scores(carver.floats(rows, plan.experts)),
        selection(carver.floats(rows, plan.experts)),
        weight(carver.floats(rows, plan.used)),
        chosen(carver.take<std::int32_t>(rows * plan.used)),
        slot_row(carver.take<std::int32_t>(rows * plan.used)),
        pass_row(carver.take<std::int32_t>(rows * plan.used)),
        expert_begin(carver.take<std::int32_t>(plan.experts + 1)),
        in(carver, reads_stream(plan) ? rows : 0, plan.hidden) {}

  /// Whether the router reads something else than the experts.
  static bool reads_stream(const MoePlan& plan) noexcept {
    return plan.routed_by_entry || !plan.router_norm.empty();
  }
};

/// Fills the routes from ws.in, or from the stream where the router reads something else than the experts.
/// Called by every worker; ends with a barrier.
void route(const Pass& pass, const MoePlan& plan, const Routes& routes) noexcept;

/// From the experts to their chunks, whose routes these become. Called by every worker after a barrier; ends
/// with one.
void route_chunks(const Pass& pass, const MoePlan& plan, const Routes& routes) noexcept;

}  // namespace longhand
