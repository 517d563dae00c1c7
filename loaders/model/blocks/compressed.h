// Attention in which old tokens share keys: the last ones are seen as they are, and those before in blocks of
// which each has been compressed into one key (DeepSeek-V4).
#pragma once

#include <vector>

#include "loaders/model/blocks/attention.h"

namespace longhand {

/// Blocks of so many tokens overlap: a key is made of a block and of the one before.
constexpr bool overlaps(int ratio) noexcept { return ratio == 4; }

/// The key of block b, tokens [ratio b, ratio (b + 1)): in each dimension the mean of value x, weighed by the
/// softmax over the tokens of gate x + position[token mod ratio]; then the norm. Where blocks overlap, the
/// rows of value and gate are two sets: the first is for the tokens of the block before, the second for those
/// of the block itself.
struct CompressorPlan {
  int hidden = 0, ratio = 0;  // ratio 0: there is none
  int width = 0;              // of a key
  bool of_indexer = false;
  Linear value, gate;               // (rows, hidden)
  const float* position = nullptr;  // (ratio, rows)
  NormPlan norm;                    // (width)

  bool empty() const noexcept { return ratio == 0; }
  std::int64_t rows() const noexcept { return overlaps(ratio) ? 2 * std::int64_t{width} : width; }
};

/// One head of keys, which are the values too, once they are rotated. The last dimensions of a head are those
/// that are rotated; what the heads answer is rotated back by the query's position. With a ratio, a query
/// also sees the keys of the blocks that end before it or with it, each at the position of its first token,
/// or those among them that an indexer chooses.
struct CompressedPlan : AttentionCore {
  int hidden = 0;
  int q_rank = 0;                // of compressed queries
  int groups = 1, out_rank = 0;  // of heads, whose answers are compressed together
  Linear q_a, q_b;               // (q_rank, hidden), (heads x head_dim, q_rank)
  NormPlan q_a_norm;             // (q_rank)
  Linear kv;                     // (head_dim, hidden)
  NormPlan kv_norm;              // (head_dim)
  CompressorPlan keys, index_keys;
  std::vector<Linear> out_a;  // groups of (out_rank, heads / groups x head_dim)
  Linear out_b;               // (hidden, groups x out_rank)

  std::int64_t group_values() const noexcept { return result_dim() / groups; }
  std::int64_t lowered() const noexcept { return std::int64_t{groups} * out_rank; }
};

template <PlanOf<CompressorPlan> Plan, class Walk>
void walk_compressor(Plan& p, Walk& walk) {
  if (p.empty()) return;
  constexpr auto kRole = MatrixRole::attention;
  const bool index = p.of_indexer;
  walk.linear(
      {index ? "indexer_compressor_kv" : "attn_compressor_kv", p.rows(), p.hidden, Need::required, kRole},
      p.value);
  walk.linear(
      {index ? "indexer_compressor_gate" : "attn_compressor_gate", p.rows(), p.hidden, Need::required, kRole},
      p.gate);
  walk.vector({index ? "indexer_compressor_ape" : "attn_compressor_ape", p.ratio, p.rows()}, p.position);
  walk.norm({index ? "indexer_compressor_norm" : "attn_compressor_norm", p.width}, p.norm);
}

template <PlanOf<CompressedPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  constexpr auto kRole = MatrixRole::attention;
  walk.linear({"attn_q_a", p.q_rank, p.hidden, Need::required, kRole}, p.q_a);
  walk.norm({"attn_q_a_norm", p.q_rank}, p.q_a_norm);
  walk.linear({"attn_q_b", p.q_dim(), p.q_rank, Need::required, kRole, Split::outputs}, p.q_b);
  walk.linear({"attn_kv", p.head_dim, p.hidden, Need::required, MatrixRole::attn_v}, p.kv);
  walk.norm({"attn_kv_a_norm", p.head_dim}, p.kv_norm);
  walk.vector({"attn_sinks", p.heads, 1, Need::optional}, p.sinks);
  walk_compressor(p.keys, walk);
  walk_compressor(p.index_keys, walk);
  walk_indexer(p.indexer, p.hidden, walk);
  walk.slices({"attn_output_a", p.lowered(), p.group_values(), Need::required, MatrixRole::attn_output},
              p.groups, p.out_a);
  walk.linear({"attn_output_b", p.hidden, p.lowered(), Need::required, MatrixRole::attn_output}, p.out_b);
}

}  // namespace longhand
