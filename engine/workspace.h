// All activations of a session, sized once.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/activations.h"
#include "loaders/config.h"
#include "ops/buffer.h"

namespace longhand {

/// Scratch of one worker.
struct WorkerScratch {
  Buffer panel;   // one interleaved panel, where weights lie in rows
  Buffer scores;  // (kAttendRows, kAttendKeys)
  Buffer acc;     // (kAttendRows + 3, larger of head_dim and value_dim)
  Buffer memory;  // what the attention memories ask for
};

struct WorkspaceSizes {
  int batch, workers;
  std::size_t panel_scratch, memory_scratch;  // bytes a worker needs
  int attention_parts;                        // partial results one query may have
  bool far_queries;                           // whether a memory asks for them
};

struct Workspace {
  /// Throws Error(no_memory).
  Workspace(const ModelConfig& config, const WorkspaceSizes& sizes);

  int batch;        // tokens computed at once
  Buffer x;         // (batch, hidden) the residual stream
  Activations in;   // (batch, widest input) what the next matrices read
  Buffer q;         // (batch, heads x head_dim)
  Buffer far_q;     // (batch, heads x head_dim) as far keys are looked at; in some memories only
  Buffer k, v;      // (batch, kv_heads x head_dim), (batch, kv_heads x value_dim)
  Buffer out;       // (batch, hidden) what a sub-block adds to x
  Buffer aside;     // (batch, hidden) attention's output, in models whose layers are parallel
  Buffer gate, up;  // (batch or batch x experts_used, ff)
  Buffer cos, sin;  // (kTurns, batch, rot / 2)
  Buffer partials;  // (units, parts, kAttendRows, value_dim + 2): attention split into its parts

  // Experts only.
  Activations expert_in, expert_mid;  // (batch x experts_used, hidden), (batch x experts_used, expert_ff)
  Buffer router;                      // (batch, experts)
  Buffer expert_out;                  // (batch x experts_used, hidden)
  Buffer shared_weight;               // (batch, 1)
  std::vector<std::int32_t> chosen;   // (batch, experts_used) expert of each slot
  std::vector<float> weight;          // (batch, experts_used)
  std::vector<std::int32_t>
      slot_row;  // (batch, experts_used) row of each slot in expert_in, grouped by expert
  std::vector<std::int32_t> expert_begin;  // (experts + 1) first row of each expert

  std::vector<WorkerScratch> scratch;  // (workers)
  int max_units;                       // of `partials`

  std::uint64_t bytes() const noexcept;
};

}  // namespace longhand
