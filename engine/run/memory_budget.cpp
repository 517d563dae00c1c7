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

#include "engine/state/states.h"
#include "engine/types/options.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::string_view kAuto = "auto";
constexpr int kLeastWindow = 64, kEnoughCodes = 256, kMostCodes = 1024, kLeastCodes = 64;
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
    if (a.exact < 0 && n.exact > 0) a.exact = n.exact;
    MemoryPlan plan = plan_memory(model_.config, o);
    check_memory(plan, model_.config, model_.weights.layers, o.attention);
    return plan;
  }

  // The largest summary that takes at most half of the budget with as many codes as are of use; what else
  // there is goes to the text itself. Where no budget is, the default.
  Numbers choose() const {
    const int most = std::max(1, model_.config.rope.original_context / 4);
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

  // As late as fits: at the border of a block of the summary, so that what it holds there is whole.
  MemoryPlan latest(Numbers n) const {
    const int block = summary_window(options_.attention.window < 0 ? n.window : options_.attention.window);
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
  bool summary_fits(Numbers n, std::uint64_t share) const {
    n.summary_from = summary_window(options_.attention.window < 0 ? n.window : options_.attention.window);
    if (n.summary_from >= context_) return true;
    return bytes(plan(n)) <= options_.memory_budget / share;
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

// Left to the library, and by a model that has no way of its own with long texts.
bool is_open(const ModelCore& m, const SessionOptions& o) {
  const std::string &file = m.config.attention.memory, &given = o.attention.memory;
  const bool open = file == kAuto ? given.empty() || given == kAuto : file.empty() && given == kAuto;
  return open && adapts(m.config, o) && o.attention.summary_from < 0;
}

}  // namespace

MemoryPlan plan_within(const ModelCore& m, const SessionOptions& o, const MemoryPlan& plan, int context,
                       int batch) {
  const Planner planner(m, o, context, batch);
  const bool fits = planner.fits(plan);
  if (fits && o.min_speed == 0) return plan;
  if (!is_open(m, o)) {
    if (fits) return plan;
    planner.refuse(planner.bytes(plan));
  }
  Planner::Numbers n = planner.choose();
  if (summary_window(n.window) >= context) return plan;  // too short to remember anything in summary
  if (fits) {
    // Only a pace is wanted, and old tokens can stay for queries that ask for them.
    Planner::Numbers exact = n;
    exact.exact = kExact;
    exact.codes = std::min(n.codes, kAttendKeys);
    exact.summary_from = (context - 1) / summary_window(n.window) * summary_window(n.window);
    if (const MemoryPlan with = planner.plan(exact); with.codes <= kAttendKeys && planner.fits(with))
      return with;
  }
  return planner.latest(n);
}

}  // namespace longhand
