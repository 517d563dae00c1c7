// What chooses the keys a query sees: small heads of its own score all keys before it.
#pragma once

#include "loaders/model/slots.h"

namespace longhand {

/// A query has heads q_i here, a key has one, k, both normalised and rotated by halves, the first dimensions
/// first. A key's score is the sum of w_i max(q_i . k, 0) (DeepSeek-V3.2); or head i scores q_i . k for kv
/// head i alone (MiniMax-M3). Keys are chosen in blocks of neighbours, by their best: the last `local`
/// blocks, then those with the highest scores, of equal ones the first.
///
/// Where attention has compressed keys (see CompressedPlan), the indexer's are compressed with them, and
/// it chooses among those. There the last dimensions are rotated, by neighbours.
struct IndexerPlan {
  int heads = 0;  // 0: there is none, and queries see all keys
  int width = 0;  // of its queries and its keys
  int top = 0;    // blocks a query sees
  int block = 1;  // keys of a block
  int local = 0;  // last blocks that are always chosen
  int ratio = 0;  // tokens of a compressed key; 0: each has its own
  bool for_each_kv_head = false;
  std::int64_t q_in = 0;    // columns of q
  Linear q;                 // (heads x width, q_in)
  Linear k;                 // (width, hidden)
  Linear weights;           // (heads, hidden), where all heads give one score
  NormPlan q_norm, k_norm;  // (width)

  bool empty() const noexcept { return heads == 0; }
  /// Choices of a query.
  int choices() const noexcept { return for_each_kv_head ? heads : 1; }
  std::int64_t q_rows() const noexcept { return std::int64_t{heads} * width; }
  /// Keys that a query at some position could see.
  int seen(int position) const noexcept { return ratio > 0 ? (position + 1) / ratio : position + 1; }
};

template <PlanOf<IndexerPlan> Plan, class Walk>
void walk_indexer(Plan& p, std::int64_t hidden, Walk& walk) {
  if (p.empty()) return;
  const auto matrix = [](std::string_view name, std::int64_t out, std::int64_t in) {
    return Slot{name, out, in, Need::required, MatrixRole::attention};
  };
  if (p.for_each_kv_head) {
    walk.linear(matrix("indexer.q_proj", p.q_rows(), p.q_in), p.q);
    walk.linear(matrix("indexer.k_proj", p.width, hidden), p.k);
    walk.norm({"indexer.q_norm", p.width}, p.q_norm);
  } else {
    walk.linear(matrix("indexer.attn_q_b", p.q_rows(), p.q_in), p.q);
    if (p.ratio == 0) walk.linear(matrix("indexer.attn_k", p.width, hidden), p.k);
    walk.linear(matrix("indexer.proj", p.heads, hidden), p.weights);
  }
  if (p.ratio == 0) walk.norm({"indexer.k_norm", p.width}, p.k_norm);
}

}  // namespace longhand
