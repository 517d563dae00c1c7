// What a session remembers of its text, and when it began to remember less of it.

#include <algorithm>

#include "engine/api/session_impl.h"
#include "engine/longhand.h"

namespace longhand {

// Up to so many tokens a summary is no faster than the text (docs/long-context.md, cost over depth), nor is
// it where it looks at as many as there are; and up to the trained length nothing is better than the text.
void Session::Impl::watch_speed(double seconds) noexcept {
  constexpr int kFirst = 4096;
  const MemoryPlan& plan = sequence.sizes.plan;
  const int looked_at = 2 * summary_window(plan.window) + plan.codes + plan.exact;
  if (sequence.remembered < std::max(std::min(kFirst, plan.all_near), looked_at)) return;
  if (speed.too_slow(seconds)) sequence.states.condense(sequence.remembered + 1);
}

SessionMemory Session::memory() const noexcept {
  SessionMemory m;
  if (!impl_) return m;
  const Sequence& sequence = impl_->sequence;
  const MemoryPlan& plan = sequence.sizes.plan;
  m.bytes = sequence.states.bytes();
  m.exact_until = m.near_until = sequence.sizes.context;
  m.name = plan.kind->name;
  if (plan.all_near > 0) m.near_until = std::min(plan.all_near, sequence.sizes.context);
  m.window = plan.window;
  if (const int from = sequence.states.summary_from(); from > 0) {
    m.exact_until = from;
    m.near_until = std::min(m.near_until, from);
    m.summary_window = summary_window(plan.window);
  }
  if (plan.kind->codes) m.summary_window = plan.window;
  if (plan.kind->sinks) m.exact_until = plan.window + plan.sinks;
  m.codes = plan.codes;
  m.exact = plan.exact;
  return m;
}

}  // namespace longhand
