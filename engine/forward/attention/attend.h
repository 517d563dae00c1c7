// Attention itself, which every block that attends ends in: queries, keys and values are placed by their
// positions, keys and values remembered, and queries answered out of the states.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// Where the answers go: row, then head, of (value_dim) each.
struct AttendTarget {
  float* base = nullptr;
  std::int64_t row_stride = 0, head_stride = 0;
};

/// What indexers chose for the queries of a pass, in ascending order: blocks (rows, choices, top), of which
/// count (rows, choices) are there; a count of -1: all keys.
struct Chosen {
  std::int32_t *blocks = nullptr, *count = nullptr;
};

/// The rows of a pass as the projections leave them.
struct AttentionRows {
  float* q = nullptr;      // (rows, heads, head_dim)
  float* far_q = nullptr;  // (rows, heads, head_dim) scratch, where some slice's state asks far queries
  float* k = nullptr;      // (rows, kv_heads, head_dim); of layers that store
  float* v = nullptr;      // (rows, kv_heads, value_dim), where values are no part of their keys
  AttendTarget to;
  Chosen chosen;  // where an indexer has chosen

  AttentionRows() = default;
  AttentionRows(Carver& carver, const AttentionCore& core, const WorkspaceSizes& sizes) noexcept
      : q(carver.floats(sizes.rows, core.q_dim())),
        far_q(carver.floats(sizes.far_queries ? sizes.rows : 0, core.q_dim())),
        k(carver.floats(sizes.rows, core.k_dim())),
        v(carver.floats(core.value_in_key < 0 ? sizes.rows : 0, core.v_dim())) {}

  /// Number `at` of (rows, kv_heads).
  float* key(const AttentionCore& core, std::int64_t at) const noexcept { return k + at * core.head_dim; }
  float* value(const AttentionCore& core, std::int64_t at) const noexcept {
    return core.value_in_key < 0 ? v + at * core.value_dim : key(core, at) + core.value_in_key;
  }
};

/// Normalises, scales and rotates queries, stores keys and values, and writes every head's answer to rows.to.
/// Called by every worker after a barrier; ends with one.
void attend(const Pass& pass, const AttentionCore& core, const AttentionRows& rows) noexcept;

}  // namespace longhand
