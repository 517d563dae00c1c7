// Self-attention: queries, keys and values of their own matrices, normalised, rotated, remembered.
#pragma once

#include <initializer_list>
#include <vector>

#include "loaders/model/blocks/indexer.h"
#include "loaders/model/key_codes.h"
#include "loaders/model/slots.h"

namespace longhand {

enum class QkNorm : std::uint8_t {
  none,
  per_head,             // over each head, one weight for all of them
  per_head_optional,    // the same, in files that have it
  per_head_turned,      // over each head after the rotation, one weight for all of them
  own_per_head,         // over each head, a weight of its own; only the larger models of a family have it
  own_layer_norm,       // the same, but always a layer norm
  full_width,           // over all heads together
  full_width_optional,  // the same, in files that have it
  head_scales,          // over each head, without weights, and queries times a number of each head
  unweighted,           // over each head, without weights
};
/// What scales the result before the last matrix.
enum class OutputGate : std::uint8_t {
  no,
  within_q,  // the sigmoid of values that stand behind each head of q
  sigmoid,   // of a matrix of its own, for each value or for each head
  softplus,
};
constexpr bool spans_heads(QkNorm norm) noexcept {
  return norm == QkNorm::full_width || norm == QkNorm::full_width_optional;
}
enum class Rope : std::uint8_t { none, neighbours, halves };  // pairs (2i, 2i + 1) or (i, i + rot / 2)

/// What every attention does once it has queries, keys and values, and where it remembers them.
struct AttentionCore {
  int heads = 0, kv_heads = 0;      // heads is a multiple of kv_heads
  int head_dim = 0, value_dim = 0;  // of queries and keys; of values
  int value_in_key = -1;  // a value is the rotated key from this dimension on; -1: it is a vector of its own
  int window = 0;         // keys visible to a query, itself included; 0: all
  int ratio = 0;          // tokens of a compressed key; 0: every token keeps its own ...
  int near = 0;           // ... which the last so many have in any case
  bool chunked = false;   // the window begins at multiples of its width instead
  bool causal = true;     // a query sees no later keys; else those of the whole text, window / 2 on each side
  Rope rope = Rope::none;
  bool local_rope = false;          // rotated as RopeConfig says of layers with a window
  float scale = 0;                  // multiplies q . k
  bool tempered = true;             // see ModelConfig::temperature_scale
  float softcap = 0;                // of scores; 0: none
  std::vector<float> slopes;        // (heads) ALiBi: slope times distance is taken off scores; or empty
  int state = -1;                   // which of a sequence's states holds its keys and values
  bool stores = true;               // false: an earlier layer has stored them
  QkNorm qk_norm = QkNorm::none;    // before the rotation, if it does not say otherwise
  NormPlan q_norm, k_norm;          // (head_dim), (heads or kv_heads, head_dim), or full width
  const float* q_scales = nullptr;  // (heads) see QkNorm
  NormPlan value_norm;              // over each head of the values

  const float* sinks = nullptr;  // (heads) a score each that joins the softmax without a value; or null
  KeyCodes key_codes;            // what old keys become
  IndexerPlan indexer;           // what chooses the keys a query sees

  int group() const noexcept { return heads / kv_heads; }
  std::int64_t q_dim() const noexcept { return std::int64_t{heads} * head_dim; }
  std::int64_t k_dim() const noexcept { return std::int64_t{kv_heads} * head_dim; }
  std::int64_t v_dim() const noexcept { return std::int64_t{kv_heads} * value_dim; }
  std::int64_t result_dim() const noexcept { return std::int64_t{heads} * value_dim; }
};

struct AttentionPlan : AttentionCore {
  int hidden = 0;
  OutputGate gate_kind = OutputGate::no;
  bool gates_heads = false;      // a gate is for all values of a head
  bool values_are_keys = false;  // without attn_v, the values are the keys before their norm
  Linear q;                      // (heads x head_dim, or heads x 2 head_dim with gates; hidden)
  Linear k;                      // (kv_heads x head_dim, hidden)
  Linear v;                      // (kv_heads x value_dim, hidden)
  Linear gate;                   // (heads x value_dim or heads, hidden)
  Linear out;                    // (hidden, heads x value_dim)
  float clamp = 0;               // q, k and v are held within +-clamp; 0: they are not
  NormPlan sub_norm;             // (heads x value_dim) of the result, before `out`

  bool gate_in_q() const noexcept { return gate_kind == OutputGate::within_q; }
  std::int64_t q_rows() const noexcept { return gate_in_q() ? 2 * q_dim() : q_dim(); }
  std::int64_t gates() const noexcept { return gates_heads ? heads : result_dim(); }
};

template <PlanOf<AttentionPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  const Slot q{"attn_q", p.q_rows(), p.hidden, Need::required, MatrixRole::attention, Split::outputs};
  if (p.stores && !p.values_are_keys) {
    walk.fused(
        {"attn_qkv", p.q_rows() + p.k_dim() + p.v_dim(), p.hidden},
        {SlotPart{q, &p.q},
         SlotPart{{"attn_k", p.k_dim(), p.hidden, Need::required, MatrixRole::attention, Split::outputs},
                  &p.k},
         SlotPart{{"attn_v", p.v_dim(), p.hidden, Need::required, MatrixRole::attn_v, Split::outputs},
                  &p.v}});
  } else {
    walk.linear(q, p.q);
    if (p.stores)
      walk.linear({"attn_k", p.k_dim(), p.hidden, Need::required, MatrixRole::attention, Split::outputs},
                  p.k);
  }
  if (!p.stores) {
    for (const char* name : {"attn_k", "attn_v", "attn_k_norm"}) walk.unused(name);
  }
  if (p.gate_kind > OutputGate::within_q)
    walk.linear({"attn_gate", p.gates(), p.hidden, Need::required, MatrixRole::attention}, p.gate);
  walk.linear(
      {"attn_output", p.hidden, p.result_dim(), Need::required, MatrixRole::attn_output, Split::inputs},
      p.out);
  if (!p.sub_norm.empty()) walk.norm({"attn_sub_norm", p.result_dim()}, p.sub_norm);
  if (p.qk_norm == QkNorm::head_scales) {
    walk.vector({"attn_q_norm", p.heads}, p.q_scales);
  } else if (p.qk_norm != QkNorm::none && p.qk_norm != QkNorm::unweighted) {
    const bool per_head = p.qk_norm == QkNorm::per_head || p.qk_norm == QkNorm::per_head_optional ||
                          p.qk_norm == QkNorm::per_head_turned;
    const bool optional = p.qk_norm == QkNorm::own_per_head || p.qk_norm == QkNorm::own_layer_norm ||
                          p.qk_norm == QkNorm::per_head_optional || p.qk_norm == QkNorm::full_width_optional;
    const Need need = optional ? Need::optional : Need::required;
    walk.norm({"attn_q_norm", per_head ? p.head_dim : p.q_dim(), 1, need}, p.q_norm);
    if (p.stores) walk.norm({"attn_k_norm", per_head ? p.head_dim : p.k_dim(), 1, need}, p.k_norm);
  }
  walk_indexer(p.indexer, p.hidden, walk);
  walk.vector({"attn_sinks", p.heads, 1, Need::optional}, p.sinks);
  if (p.stores) walk.key_codes(p, p.key_codes);
}

}  // namespace longhand
