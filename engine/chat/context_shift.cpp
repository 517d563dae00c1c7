#include "engine/chat/context_shift.h"

#include <algorithm>

#include "engine/longhand_chat.h"

namespace longhand {

HeldTokens find_held(std::span<const Token> held, std::size_t from, std::span<const Token> wanted) {
  constexpr std::size_t kShortest = 8;  // the markers around messages alone agree anywhere
  HeldTokens best;
  if (wanted.size() < kShortest) return best;
  const std::span<const Token> probe = wanted.first(kShortest);
  for (auto at = held.begin() + std::ptrdiff_t(std::min(from, held.size()));; ++at) {
    at = std::search(at, held.end(), probe.begin(), probe.end());
    if (at == held.end()) return best;
    const auto agrees = std::mismatch(at, held.end(), wanted.begin(), wanted.end()).first - at;
    if (std::size_t(agrees) > best.count) best = {std::size_t(at - held.begin()), std::size_t(agrees)};
  }
}

void move_kept_turns(Session& session, TurnPlan& plan) {
  HeldTokens kept = find_held(session.tokens(), plan.rewind_to, plan.new_tokens);
  // Logits come from feeding, so at least one token has to be fed.
  kept.count = std::min(kept.count, plan.new_tokens.size() - 1);
  if (kept.count == 0) return;
  const int end = int(kept.begin + kept.count);
  if (session.size() > end) session.rewind(end);
  if (!session.cut(int(plan.rewind_to), int(kept.begin))) return;
  plan.rewind_to += kept.count;
  plan.new_tokens.erase(plan.new_tokens.begin(), plan.new_tokens.begin() + std::ptrdiff_t(kept.count));
}

}  // namespace longhand
