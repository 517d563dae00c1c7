// What a full context keeps of its computation when the oldest turns leave it.
#pragma once

#include <cstddef>
#include <span>

#include "engine/chat/conversation.h"

namespace longhand {

class Session;

/// A part of a session's tokens.
struct HeldTokens {
  std::size_t begin = 0, count = 0;
};

/// The longest beginning of `wanted` that stands somewhere in `held` from `from` on; count 0 where that is
/// too short to be worth anything.
HeldTokens find_held(std::span<const Token> held, std::size_t from, std::span<const Token> wanted);

/// Turns have left the middle of the prompt that `plan` makes of what the session holds. Moves what stands
/// behind them to its new place, so that it is not read again; where the session cannot do that, `plan` and
/// its text stay as they are. Throws Error(no_memory).
void move_kept_turns(Session& session, TurnPlan& plan);

}  // namespace longhand
