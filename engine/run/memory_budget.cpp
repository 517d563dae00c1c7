// The rules, and what they rest on (docs/long-context.md, the small model there, trained on 512 tokens and
// read to 4096; percent of facts found from the last half):
//   every token kept, seen from 128 or 256 tokens back       98 (a window of 512: 70)
//   codes learned by merging, window 128:   1024 98, 256 95, 64 44, 16 14
//                             window 64:    1024 98, 256 93, 64 32
//   64 codes, of whose tokens 128 are read exactly           89
// So codes count for more than the window, up to some hundreds; from there on every token kept counts most.
#include "engine/run/memory_budget.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/state/attention/left_open.h"
#include "engine/state/states.h"
#include "engine/types/options.h"
#include "ops/error.h"
#include "ops/host/machine.h"

namespace longhand {
namespace {

constexpr std::string_view kAuto = "auto";
constexpr int kLeastBatch = 64, kLeastWindow = 128, kEnoughCodes = 256, kMostCodes = 1024, kLeastCodes = 64;
// Of a text that may be kept whole, where only the pace is wanted.
constexpr int kExact = 128;

// Plans for one session, and what they take.
class Planner {
 public:
  Planner(const ModelCore& model, const SessionOptions& options, int context, int batch)
      : model_(model), options_(options), context_(context), batch_(batch) {}

  std::uint64_t bytes(const MemoryPlan& plan) const {
    return States(model_.config, model_.weights, options_, plan, context_, batch_).bytes();
  }
  bool fits(const MemoryPlan& plan) const {
    return options_.memory_budget == 0 || bytes(plan) <= options_.memory_budget;
  }

  // A quarter is left to the rest of the system.
  bool is_affordable(const MemoryPlan& plan) const {
    const std::uint64_t available = available_memory();
    return available == 0 || bytes(plan) <= available / 4 * 3;
  }

  // With the numbers that options give, and these in place of the others.
  struct Numbers {
    int window, codes, checkpoints, summary_from, exact = 0;
  };
  MemoryPlan plan(const Numbers& n) const {
    SessionOptions o = options_;
    AttentionOptions& a = o.attention;
    a.memory = kAuto;
    a.summary_from = n.summary_from;
    a.checkpoints = n.checkpoints;
    if (a.window < 0) a.window = n.window;
    if (a.codes < 0 && !own_codes()) a.codes = n.codes;
    if (a.exact < 0 && n.exact > 0 && !own_codes()) a.exact = n.exact;
    if (a.exact > 0 && options_.attention.codes < 0) a.codes = std::min(a.codes, kAttendKeys);
    MemoryPlan plan = plan_memory(model_.config, o);
    check_memory(plan, model_.config, model_.weights.layers, o.attention);
    return plan;
  }

  // The largest summary that takes at most half of the budget with as many codes as are of use; what else
  // there is goes to the text itself. Where no budget is, the default.
  Numbers choose() const {
    const int most = std::max(1, std::min(model_.config.rope.original_context, context_) / 4);
    Numbers n{most, kEnoughCodes, options_.attention.checkpoints, 0};
    if (options_.memory_budget == 0) return n;
    n.checkpoints = std::min(n.checkpoints, 1);
    while (n.window / 2 >= kLeastWindow && !summary_fits(n, 2)) n.window /= 2;
    while (n.codes / 2 >= kLeastCodes && !summary_fits(n, 1)) n.codes /= 2;
    if (!summary_fits(n, 1)) n.checkpoints = 0;
    const auto grow = [&](int Numbers::*number, int limit) {
      for (Numbers more = n; (more.*number *= 2) <= limit && summary_fits(more, 2);) n = more;
    };
    grow(&Numbers::codes, kMostCodes);
    if (n.checkpoints > 0) grow(&Numbers::checkpoints, options_.attention.checkpoints);
    return n;
  }

  // Whether there is a summary that fits.
  bool has_room() const { return summary_fits(choose(), 1); }
  int block() const { return block_of(choose()); }

  // For texts that are slow before they are long: everything stays, and few of the codes' tokens are read.
  MemoryPlan exact_plan() const {
    Numbers n = choose();
    const int block = block_of(n);
    n.exact = kExact;
    n.summary_from = (context_ - 1) / block * block;
    return plan(n);
  }

  // As late as fits: at the border of a block of the summary, so that what it holds there is whole.
  MemoryPlan latest() const {
    Numbers n = choose();
    const int block = block_of(n);
    n.summary_from = block;
    MemoryPlan best = plan(n);
    if (!fits(best)) refuse(bytes(best));
    int blocks = 1;
    for (int step = 1 << 24; step > 0; step /= 2) {
      const std::int64_t from = std::int64_t{blocks + step} * block;
      if (from >= context_) continue;
      n.summary_from = int(from);
      const MemoryPlan next = plan(n);
      if (!fits(next)) continue;
      best = next;
      blocks += step;
    }
    return best;
  }

  [[noreturn]] void refuse(std::uint64_t needed) const {
    throw Error(
        Errc::no_memory,
        fmt::format("memory_budget is {} bytes: what a text of {} tokens needs at least is {} under the "
                    "other options",
                    options_.memory_budget, context_, needed));
  }

 private:
  int block_of(const Numbers& n) const noexcept {
    return summary_window(options_.attention.window < 0 ? n.window : options_.attention.window);
  }
  bool summary_fits(Numbers n, std::uint64_t share) const {
    n.summary_from = block_of(n);
    if (options_.memory_budget == 0) return true;
    return n.summary_from < context_ && bytes(plan(n)) <= options_.memory_budget / share;
  }
  bool own_codes() const {
    bool own = false;
    for (const LayerPlan& layer : model_.weights.layers) {
      for_each_attention(layer,
                         [&](const AttentionCore& core) { own = own || core.key_codes.vectors != nullptr; });
    }
    return own;
  }

  const ModelCore& model_;
  const SessionOptions& options_;
  int context_, batch_;
};

// Left to the library, and by a model that has no way of its own with long texts, and whose layers can
// remember old tokens in summary.
bool is_open(const ModelCore& m, const SessionOptions& o) {
  if (!is_left_open(m.config, o)) return false;
  SessionOptions summary = o;
  summary.attention.memory = kAuto;
  summary.attention.summary_from = 1;
  const MemoryPlan plan = plan_memory(m.config, summary);
  return memory_objection(plan, m.config, m.weights.layers, o.attention).empty();
}

}  // namespace

BoundedPlan plan_within(const ModelCore& m, const SessionOptions& o, const BoundedPlan& wanted, int context) {
  const Planner planner(m, o, context, wanted.batch);
  const bool fits = planner.fits(wanted.plan);
  if (fits && o.min_speed == 0) return wanted;
  if (!is_open(m, o)) {
    if (fits) return wanted;
    planner.refuse(planner.bytes(wanted.plan));
  }
  if (planner.block() >= context) {
    if (fits) return wanted;  // too short to remember anything in summary
    planner.refuse(planner.bytes(wanted.plan));
  }
  if (fits) {
    // Only a pace is wanted, and old tokens can stay for queries that ask for them.
    const MemoryPlan exact = planner.exact_plan();
    if (exact.codes <= kAttendKeys && planner.fits(exact) && planner.is_affordable(exact))
      return {exact, wanted.batch};
  }
  int batch = wanted.batch;
  while (batch / 2 >= kLeastBatch && !Planner(m, o, context, batch).has_room()) batch /= 2;
  return {Planner(m, o, context, batch).latest(), batch};
}

}  // namespace longhand
