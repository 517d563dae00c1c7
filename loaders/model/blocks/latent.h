// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): keys and values of all heads come out of one
// compressed vector, which is all that is remembered.
#pragma once

#include "loaders/model/blocks/attention.h"

namespace longhand {

/// With [c | k_pe] = kv_a(x), c normalised, and [q_nope | q_pe] of every head = q(x): head h scores a token
/// by (k_b[h]^T q_nope) . c + q_pe . k_pe, and its result is v_b[h] (sum of p c). So one key head of [rotated
/// k_pe | c] serves all heads, and its values are c.
struct LatentPlan : AttentionCore {
  int hidden = 0;
  int q_rank = 0;           // 0: queries come straight from the input
  int nope = 0, pe = 0;     // a head's query dimensions without and with position
  int rank = 0;             // of c; value_dim
  int head_value = 0;       // a head's values
  Linear q_a, q_b;          // (q_rank, hidden), (heads x (nope + pe), q_rank)
  NormPlan q_a_norm;        // (q_rank)
  Linear q;                 // (heads x (nope + pe), hidden), where there is no q_rank
  Linear kv_a;              // (rank + pe, hidden)
  NormPlan kv_a_norm;       // (rank)
  std::vector<Linear> k_b;  // heads of (rank, nope)
  std::vector<Linear> v_b;  // heads of (head_value, rank)
  Linear out;               // (hidden, heads x head_value)

  std::int64_t q_rows() const noexcept { return std::int64_t{heads} * (nope + pe); }
  std::int64_t out_cols() const noexcept { return std::int64_t{heads} * head_value; }
};

template <PlanOf<LatentPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  constexpr auto kRole = MatrixRole::attention;
  if (p.q_rank > 0) {
    walk.linear({"attn_q_a", p.q_rank, p.hidden, Need::required, kRole}, p.q_a);
    walk.norm({"attn_q_a_norm", p.q_rank}, p.q_a_norm);
    walk.linear({"attn_q_b", p.q_rows(), p.q_rank, Need::required, kRole, Split::outputs}, p.q_b);
  } else {
    walk.linear({"attn_q", p.q_rows(), p.hidden, Need::required, kRole, Split::outputs}, p.q);
  }
  walk.linear({"attn_kv_a_mqa", p.rank + p.pe, p.hidden, Need::required, kRole}, p.kv_a);
  walk.norm({"attn_kv_a_norm", p.rank}, p.kv_a_norm);
  walk.latent_heads({"attn_kv_b", std::int64_t{p.heads} * (p.nope + p.head_value), p.rank},
                    {"attn_k_b", p.rank, p.nope, Need::required, kRole, Split::experts},
                    {"attn_v_b", p.head_value, p.rank, Need::required, MatrixRole::attn_v, Split::experts},
                    p);
  walk_indexer(p.indexer, p.hidden, walk);
  walk.linear({"attn_output", p.hidden, p.out_cols(), Need::required, MatrixRole::attn_output, Split::inputs},
              p.out);
}

}  // namespace longhand
