#include "engine/chat/forgetting.h"

namespace longhand {
namespace {

// The first turn in first..last from which on at most `most` tokens follow; last + 1 if there is none. The
// fewer turns, the shorter the prompt.
template <class TokensFrom>
std::size_t first_within(const FullContext& full, std::size_t most, const TokensFrom& tokens_from) {
  std::size_t low = full.first, high = full.last + 1;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (tokens_from(middle) <= most) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

std::size_t first_kept_turn(const FullContext& full,
                            const std::function<std::size_t(std::size_t turn)>& tokens_from) {
  const std::size_t half = full.context / 2;
  for (const std::size_t room : {half, full.context}) {
    if (room < full.reserve) continue;
    const std::size_t first = first_within(full, room - full.reserve, tokens_from);
    if (first <= full.last) return first;
  }
  return full.last;
}

}  // namespace longhand
