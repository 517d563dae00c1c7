// Gated short convolution (LFM2).
#pragma once

#include "loaders/model/blocks/recurrent.h"

namespace longhand {

/// With [b | c | x] = in(input): out(c * conv(b * x)).
struct ShortConvPlan : RecurrentPlan {
  Linear in;   // (3 hidden, hidden)
  Linear out;  // (hidden, hidden)

  std::int64_t state_values() const noexcept { return 0; }
};

template <PlanOf<ShortConvPlan> Plan, class Walk>
void walk_slots(Plan& p, Walk& walk) {
  walk.linear({"shortconv.in_proj", 3 * std::int64_t{p.hidden}, p.hidden, Need::required,
               MatrixRole::attention, Split::outputs},
              p.in);
  walk.columns({"shortconv.conv", p.hidden, p.conv.width}, p.conv.weight);
  walk.linear(
      {"shortconv.out_proj", p.hidden, p.hidden, Need::required, MatrixRole::attn_output, Split::inputs},
      p.out);
}

}  // namespace longhand
