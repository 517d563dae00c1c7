#include "ops/parallel.h"

#include <omp.h>

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

}  // namespace

void Barrier::wait() noexcept {
  const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == workers_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    // Sequentially consistent, because notify_all() looks at a counter of sleepers and calls the system only when
    // there is one: that look must not overtake the store, or the worker that just falls asleep is never woken.
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

void Team::run(const std::function<void(const Worker&)>& body) const noexcept {
  if (workers_ == 1) {
    body(Worker{0, 1, nullptr});
    return;
  }
  Barrier barrier(workers_);
  // OpenMP's own fork and join order memory too, but race detectors cannot see inside its runtime: these two
  // say it in a language they understand.
  std::atomic<int> entered{0}, left{0};
  entered.store(1, std::memory_order_release);
#pragma omp parallel num_threads(workers_)
  {
    (void)entered.load(std::memory_order_acquire);
    // A runtime under pressure may give fewer threads than asked for; each then plays several workers only
    // where that cannot deadlock, which a barrier between stages forbids, so all work falls to the threads
    // there are.
    const int count = omp_get_num_threads();
    if (count == workers_) {
      body(Worker{omp_get_thread_num(), count, &barrier});
    } else {
#pragma omp single
      body(Worker{0, 1, nullptr});
    }
    left.fetch_add(1, std::memory_order_release);
  }
  (void)left.load(std::memory_order_acquire);
}

}  // namespace longhand
