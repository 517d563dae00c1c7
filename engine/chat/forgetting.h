// Which turns the model still sees when the context is full.
#pragma once

#include <cstddef>
#include <functional>

namespace longhand {

struct FullContext {
  std::size_t first, last;       ///< turns seen until now; the last one waits for its answer and always stays
  std::size_t context, reserve;  ///< tokens; `reserve` are for the answer
};

/// The first turn that stays; `tokens_from(turn)`: the prompt's length when it begins with that turn.
///
/// Enough goes at once that prompt and answer take half the context at most, so that several turns pass until
/// turns go again: all that follows what goes is read anew. Where the last turn alone takes more than half,
/// as many of the others stay as fit.
std::size_t first_kept_turn(const FullContext& full,
                            const std::function<std::size_t(std::size_t turn)>& tokens_from);

}  // namespace longhand
