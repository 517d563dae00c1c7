// Mixture of experts: a router sends each token to a few of many feed-forward networks.
#pragma once

#include <vector>

#include "loaders/model/blocks/dense.h"

namespace longhand {

enum class Gating : std::uint8_t { softmax, sigmoid, softmax_selected, root_softplus, sparse_mixer };

/// sum of w_e down_e(act(gate_e x) * up_e x) over the chosen experts, plus a shared network that every token
/// uses. Chosen are the experts with the highest probability plus selection bias, in the best groups where
/// there are groups; or those that a table has for the token.
///
/// A sparse mixer (Liu et al. 2024, GRIN, arXiv 2409.12136) weighs each expert by the softmax over those not
/// chosen before it whose output is about as great: less than it by no more than 2% of the greater of it and
/// their size.
///
/// Where there are chunks, each of which belongs to a few neighbouring experts, what the chosen experts'
/// chunks make of that sum m is added: chunk_scale times the sum of p_i chunk_i(m), i = e /
/// experts_per_chunk, with the router's probabilities p_i of the experts NUMBERED i, made to sum to 1.
struct MoePlan {
  int hidden = 0, ff = 0;
  Act act = Act::silu;
  bool gated = true;
  float limit = 0;           // see DensePlan
  bool limits_gate = false;  // see DensePlan
  int experts = 0, used = 0;
  Gating gating = Gating::softmax;
  bool normalise = true;                   // the chosen experts' weights sum to 1
  bool weighs_input = false;               // w_e multiplies what an expert reads, not what it gives
  float scale = 1;                         // multiplies the weights
  int groups = 1, groups_used = 1;         // each group's score is the sum of its two best experts'
  Linear router;                           // (experts, hidden)
  NormPlan router_norm;                    // of the stream, for the router; none: it reads what experts read
  bool routed_by_entry = false;            // or what the layer was given
  float router_scale = 1;                  // multiplies what the router says
  const float* selection_bias = nullptr;   // (experts) or null
  int listed_tokens = 0;                   // tokens whose experts a table has; 0: the router chooses
  const std::int32_t* by_token = nullptr;  // (listed_tokens, used) the experts of each
  int latent = 0;                          // width experts work in; 0: hidden
  Linear latent_down, latent_up;           // (latent, hidden), (hidden, latent)
  std::vector<Linear> gate, up;            // experts of (ff, width)
  std::vector<Linear> down;                // experts of (width, ff)

  int chunks = 0, chunk_ff = 0, experts_per_chunk = 1;
  float chunk_scale = 1;
  std::vector<Linear> chunk_gate, chunk_up, chunk_down;  // chunks of (chunk_ff, hidden), (hidden, chunk_ff)

  DensePlan shared;        // ff 0: there is none
  float shared_scale = 1;  // multiplies what it gives
  Linear shared_router;    // (1, hidden): its sigmoid scales the shared network

  int width() const noexcept { return latent > 0 ? latent : hidden; }
};

template <PlanOf<MoePlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  Slot router{"ffn_gate_inp", p.experts, p.hidden};
  if (!p.router_norm.empty()) {
    router.scaled = false;
    Slot norm{"ffn_gate_inp", p.hidden};
    norm.suffix = ".scale";
    walk.norm(norm, p.router_norm);
  }
  walk.linear(router, p.router);
  Slot bias{"exp_probs_b", p.experts, 1, Need::optional, MatrixRole::small, Split::whole, ".bias"};
  walk.vector(bias, p.selection_bias);
  bias.suffix = "";
  if (p.selection_bias == nullptr) walk.vector(bias, p.selection_bias);
  if (p.listed_tokens > 0) walk.numbers({"ffn_gate_tid2eid", p.listed_tokens, p.used}, p.experts, p.by_token);
  if (p.latent > 0) {
    walk.linear({"ffn_latent_down", p.latent, p.hidden, Need::required, MatrixRole::ffn}, p.latent_down);
    walk.linear({"ffn_latent_up", p.hidden, p.latent, Need::required, MatrixRole::ffn}, p.latent_up);
  }
  const Slot up{"ffn_up_exps", p.ff, p.width(), Need::required, MatrixRole::ffn, Split::experts};
  if (p.gated) {
    walk.fused_experts(
        {"ffn_gate_up_exps", 2 * p.ff, p.width()}, p.experts,
        {SlotPart{{"ffn_gate_exps", p.ff, p.width(), Need::required, MatrixRole::ffn, Split::experts},
                  &p.gate},
         SlotPart{up, &p.up}});
  } else {
    walk.experts(up, p.experts, p.up);
  }
  walk.experts({"ffn_down_exps", p.width(), p.ff, Need::required, MatrixRole::ffn_down, Split::experts},
               p.experts, p.down);
  if (p.chunks > 0) {
    constexpr auto kRole = MatrixRole::ffn;
    walk.experts({"ffn_gate_chexps", p.chunk_ff, p.hidden, Need::required, kRole, Split::experts}, p.chunks,
                 p.chunk_gate);
    walk.experts({"ffn_up_chexps", p.chunk_ff, p.hidden, Need::required, kRole, Split::experts}, p.chunks,
                 p.chunk_up);
    walk.experts(
        {"ffn_down_chexps", p.hidden, p.chunk_ff, Need::required, MatrixRole::ffn_down, Split::experts},
        p.chunks, p.chunk_down);
  }
  if (p.shared.ff == 0) return;
  const std::int64_t ff = p.shared.ff;
  if (p.shared.gated)
    walk.linear({"ffn_gate_shexp", ff, p.hidden, Need::required, MatrixRole::ffn, Split::outputs},
                p.shared.gate);
  walk.linear({"ffn_up_shexp", ff, p.hidden, Need::required, MatrixRole::ffn, Split::outputs}, p.shared.up);
  walk.linear({"ffn_down_shexp", p.hidden, ff, Need::required, MatrixRole::ffn_down, Split::inputs},
              p.shared.down);
  walk.linear({"ffn_gate_inp_shexp", 1, p.hidden, Need::optional}, p.shared_router);
}

}  // namespace longhand
