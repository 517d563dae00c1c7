#include "engine/run/sizes.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/run/memory_budget.h"
#include "engine/state/states.h"
#include "engine/types/options.h"
#include "ops/error.h"
#include "ops/host/machine.h"
#include "ops/host/pinning.h"

namespace longhand {
namespace {

// Workers meet about ten times a layer, and where other programs run too, one whose core is taken keeps all
// others waiting. A share of the weights that streams in within a millisecond is not worth that.
constexpr std::uint64_t kBytesPerWorker = std::uint64_t{8} << 20;

int useful_workers(const ModelCore& m) {
  const std::uint64_t shares = std::max<std::uint64_t>(1, m.weights.bytes / kBytesPerWorker);
  return int(std::min<std::uint64_t>(std::uint64_t(usable_cores()), shares));
}

// With learned positions, no text is longer than there are of them.
int bounded(const ModelCore& m, int context) {
  const int positions = m.weights.positions.rows;
  return positions > 0 ? std::min(context, positions) : context;
}

}  // namespace

ThreadPlan choose_threads(const ModelCore& m, const RunnerOptions& o) {
  const CpuSets cpus = o.cpus.empty() ? CpuSets{} : parse_cpu_sets(o.cpus, usable_cpus());
  int useful = useful_workers(m);
  // Workers that outnumber the CPUs they are told to run on would wait for one another.
  if (!cpus.empty()) useful = std::min(useful, cpus_in(cpus));
  const int decode = o.threads > 0 ? o.threads : useful;
  return {decode, o.prefill_threads > 0 ? o.prefill_threads : decode, cpus};
}

SessionSizes choose_sizes(const ModelCore& m, const SessionOptions& o) {
  check_options(kSessionOptions, o);
  SessionSizes s{bounded(m, o.context), o.batch, choose_threads(m, runner_options(o)),
                 plan_memory(m.config, o)};
  check_memory(s.plan, m.config, m.weights.layers, o.attention);
  const bool open = s.context == 0;
  if (open) s.context = m.config.trained_context;
  const auto keep_limits = [&, wanted = BoundedPlan{s.plan, s.batch}] {
    if (o.memory_budget == 0 && o.min_speed == 0) return;
    const BoundedPlan within = plan_within(m, o, {wanted.plan, std::min(wanted.batch, s.context)}, s.context);
    s.plan = within.plan;
    s.batch = within.batch;
  };
  keep_limits();
  const auto cache_bytes = [&](int context) {
    return States(m.config, m.weights, o, s.plan, context, std::min(s.batch, context)).bytes();
  };
  const std::uint64_t available = available_memory();
  // The most chunks of context that take no more than `budget`, which they do up to some number.
  const auto fits = [&](std::uint64_t budget) {
    int chunks = 0;
    for (int step = (1 << 30) / kAttendKeys; step > 0; step /= 2)
      if (chunks + step <= (1 << 30) / kAttendKeys && cache_bytes((chunks + step) * kAttendKeys) <= budget)
        chunks += step;
    return chunks * kAttendKeys;
  };
  if (open) {
    // A quarter is left to the rest of the system.
    if (available > 0 && cache_bytes(s.context) > available / 4 * 3) {
      s.context = bounded(m, std::max(kAttendKeys, fits(available / 4 * 3)));
      s.cut = true;
      keep_limits();
    }
  } else if (available > 0 && cache_bytes(s.context) > available) {
    throw Error(Errc::no_memory,
                fmt::format("a context of {} tokens needs {} MiB, {} MiB are free; {} tokens would fit",
                            s.context, cache_bytes(s.context) >> 20, available >> 20, fits(available)));
  }
  s.batch = std::min(s.batch, s.context);
  return s;
}

}  // namespace longhand
