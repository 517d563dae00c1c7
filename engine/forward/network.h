// Feed-forward networks, as blocks of their own and as parts of others.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// What a network works with between its matrices.
struct NetworkRoom {
  float *gate, *up;  // (rows, ff)

  NetworkRoom(Carver& carver, std::int64_t rows, std::int64_t ff) noexcept
      : gate(carver.floats(rows, ff)), up(carver.floats(rows, ff)) {}
};

/// to = act(gate) * up, or act(up) where nothing gates it, for `count` rows as wide as `next` reads, rounded
/// for it. A limit as in DensePlan. Each worker does its share.
struct ActivateJob {
  Act act;
  bool gated;
  float limit;
  bool limits_gate;
  NetworkRoom room;
  const Linear& next;
  const Activations& to;
  const Xielu* xielu = nullptr;  // act, if not null; gated is false then
};
void activate(const Pass& pass, std::int64_t count, const ActivateJob& job) noexcept;

/// out = down(act(gate(ws.in)) * up(ws.in)), and `beside`, another product of ws.in, where it is not null.
/// Ends with a barrier; ws.in is written over.
void run_network(const Pass& pass, const DensePlan& plan, const NetworkRoom& room, float* out,
                 const MatmulJob* beside = nullptr) noexcept;

}  // namespace longhand
