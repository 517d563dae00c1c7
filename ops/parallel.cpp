#include "ops/parallel.h"

#include <omp.h>
#include <unistd.h>

namespace longhand {
namespace {

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// About 20 us of spinning at 40 cycles a pause: longer than any stage should leave a worker waiting.
constexpr int kSpins = 2000;

// What the members of one run share. OpenMP's own fork and join order memory too, but race detectors cannot
// see inside its runtime: the two counters say it in a language they understand.
struct Run {
  const std::function<void(const Worker&)>& body;
  Barrier barrier;
  Shares& shares;
  std::atomic<int> entered{0}, left{0};
};

[[gnu::noinline]] void take_part(Run& run, int workers, int id, int count) {
  (void)run.entered.load(std::memory_order_acquire);
  // A runtime under pressure may give fewer threads than asked for; each then plays several workers only
  // where that cannot deadlock, which a barrier between stages forbids, so all work falls to the first.
  if (count == workers) {
    run.body(Worker{id, count, &run.barrier, &run.shares});
  } else if (id == 0) {
    run.body(Worker{0, 1});
  }
  run.left.fetch_add(1, std::memory_order_release);
}

// Nothing else is in this function, because the detector must not look at it: the compiler passes the
// region's variables through memory before `entered` can be read.
[[gnu::no_sanitize_thread]] void fork(Run* run, int workers) {
#pragma omp parallel num_threads(workers) default(none) firstprivate(run, workers)
  take_part(*run, workers, omp_get_thread_num(), omp_get_num_threads());
}

// A forked child has none of its parent's threads, but the runtime's belief in them: it would wait for them
// for ever.
bool has_lost_its_threads() noexcept {
  static const pid_t began = ::getpid();
  return ::getpid() != began;
}

}  // namespace

void Barrier::wait() noexcept {
  const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == workers_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    // Sequentially consistent, because notify_all() looks at a counter of sleepers and calls the system only
    // when there is one: that look must not overtake the store, or the worker that just falls asleep is never
    // woken.
    phase_.store(phase + 1, std::memory_order_seq_cst);
    phase_.notify_all();
    return;
  }
  for (int spins = 0; spins < kSpins; ++spins) {
    if (phase_.load(std::memory_order_acquire) != phase) return;
    relax();
  }
  phase_.wait(phase, std::memory_order_acquire);
}

void Team::run(const std::function<void(const Worker&)>& body) noexcept {
  if (workers_ == 1 || has_lost_its_threads()) {
    body(Worker{0, 1});
    return;
  }
  shares_.reset();
  Run run{body, Barrier(workers_), shares_};
  run.entered.store(1, std::memory_order_release);
  fork(&run, workers_);
  (void)run.left.load(std::memory_order_acquire);
}

}  // namespace longhand
