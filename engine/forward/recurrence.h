// What blocks with recurrent states do alike.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "engine/forward/pass.h"

namespace longhand {

/// Tells every slice's state that the pass's tokens have been taken in.
inline void advance_states(const Pass& pass, const RecurrentPlan& plan) noexcept {
  if (pass.worker.id != 0) return;
  for (const Slice& slice : pass.slices) slice.states.recurrent(plan.state).advance(slice.end());
}

/// f(slice, head) for every head of every slice, each by one worker. Ends with a barrier.
template <class Function>
void for_heads(const Pass& pass, int heads, const Function& f) noexcept {
  pass.worker.deal(std::int64_t(pass.slices.size()) * heads,
                   [&](std::int64_t i) { f(pass.slices[std::size_t(i / heads)], int(i % heads)); });
  pass.worker.sync();
}

/// compute(tokens) for the tokens of a slice in order, in pieces that fit a small array; token_of(row) makes
/// the Token of a row.
template <class Token, class TokenOf, class Compute>
void for_token_pieces(const Slice& slice, const TokenOf& token_of, const Compute& compute) noexcept {
  constexpr int kTokens = 64;
  std::array<Token, kTokens> tokens;
  for (int first = 0; first < slice.rows; first += kTokens) {
    const int count = std::min(kTokens, slice.rows - first);
    for (int i = 0; i < count; ++i)
      tokens[std::size_t(i)] = token_of(std::int64_t{slice.first_row} + first + i);
    compute(std::span<const Token>(tokens).first(std::size_t(count)));
  }
}

/// The end of a block: its states have taken in the tokens, and out = plan.out(ws.in). Called by every worker
/// once it has rounded its share of ws.in; ends with a barrier.
template <class Plan>
void finish_recurrence(const Pass& pass, const Plan& plan, float* out) noexcept {
  advance_states(pass, plan);
  pass.worker.sync();
  pass.multiply({&plan.out, &pass.ws.in, 0, pass.rows(), out, pass.config.hidden});
  pass.worker.sync();
}

}  // namespace longhand
