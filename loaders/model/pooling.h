// A vector or scores of a whole text: which of its hidden states they come from, and the matrices behind.
#pragma once

#include <cstdint>

#include "loaders/model/slots.h"

namespace longhand {

enum class PoolingRule : std::uint8_t {
  unstated,
  none,   // the hidden state of every position
  mean,   // of all positions
  first,  // the first position, a classification token
  last,   // the last position
  rank,   // a classifier's scores
};

enum class ScoreAct : std::uint8_t { tanh, gelu };

/// How a classifier makes scores out of a pooled state v: out(norm(act(in v))), or out(v) in files without
/// `in`.
struct ScoreSpec {
  PoolingRule from = PoolingRule::unstated;  // of v; unstated: first, or last where tokens see only the past
  ScoreAct act = ScoreAct::tanh;
  bool softmax = false;  // of the scores
};

/// The matrices behind pooled states; a file has some of them, or none.
struct PoolingHead {
  int hidden = 0, labels = 1;
  int wide = 0, narrow = 0;  // outputs of the two layers behind vectors; 0: there is none
  Linear score_in;           // (hidden, hidden)
  NormPlan score_norm;       // (hidden)
  Linear score_out;          // (labels, hidden)
  Linear dense_2;            // (wide, hidden)
  Linear dense_3;            // (narrow, wide)

  /// Values of a vector, and of a hidden state where the positions stay apart.
  int width() const noexcept { return narrow > 0 ? narrow : wide > 0 ? wide : hidden; }
};

template <PlanOf<PoolingHead> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  walk.linear({"cls", p.hidden, p.hidden, Need::optional}, p.score_in);
  walk.norm({"cls.norm", p.hidden, 1, Need::optional}, p.score_norm);
  walk.linear({"cls.output", p.labels, p.hidden, Need::optional}, p.score_out);
  if (p.wide > 0) walk.linear({"dense_2", p.wide, p.hidden}, p.dense_2);
  if (p.narrow > 0) walk.linear({"dense_3", p.narrow, p.wide}, p.dense_3);
}

}  // namespace longhand
