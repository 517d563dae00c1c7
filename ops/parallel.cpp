#include "ops/parallel.h"

#include <csignal>
#include <string>
#include <system_error>
#include <thread>

#include "ops/error.h"
#include "ops/host/pinning.h"
#include "ops/isa/x/pause.h"

namespace longhand {
namespace {

// About 20 us of looking at 40 cycles a pause: longer than any stage should leave a worker waiting.
constexpr int kLooks = 2000;
// About 1 ms between runs: a token is chosen in less, and waking a thread costs some 50 us.
constexpr int kLooksBetweenRuns = 50 * kLooks;

// Whoever looks keeps a core busy, which nobody may where workers outnumber those they run on.
int looks_of(int workers, const CpuSets& cpus) noexcept {
  const int cores = cpus.empty() ? int(std::thread::hardware_concurrency()) : cpus_in(cpus);
  return workers <= cores ? kLooks : 0;
}

std::vector<double> speeds_of(const CpuSets& cpus, int workers) {
  return cpus.empty() ? std::vector<double>{} : worker_speeds(cpus, usable_cpus(), workers);
}

// While it lives, threads begin with all signals blocked but those that a thread gets for what it does
// itself.
class QuietThreads {
 public:
  QuietThreads() noexcept {
    sigset_t quiet;
    sigfillset(&quiet);
    for (const int own : {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigdelset(&quiet, own);
    pthread_sigmask(SIG_SETMASK, &quiet, &before_);
  }
  ~QuietThreads() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  QuietThreads(const QuietThreads&) = delete;
  QuietThreads& operator=(const QuietThreads&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

// Sequentially consistent, because notify_all() looks at a counter of sleepers and calls the system only when
// there is one: that look must not overtake the store, or a worker that just falls asleep is never woken.
void next_phase(Phase& phase) noexcept {
  phase.store(phase.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
  phase.notify_all();
}

void wait_while(const Phase& phase, std::uint32_t value, int looks) noexcept {
  for (; looks > 0; --looks) {
    if (phase.load(std::memory_order_acquire) != value) return;
    pause_core();
  }
  phase.wait(value, std::memory_order_acquire);
}

void Barrier::wait() noexcept {
  const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == workers_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    next_phase(phase_);
  } else {
    wait_while(phase_, phase, looks_);
  }
}

Team::Team(int workers, const CpuSets& cpus)
    : workers_(workers),
      process_(::getpid()),
      cpus_(cpus),
      shares_(workers, speeds_of(cpus, workers)),
      barrier_(workers, looks_of(workers, cpus)) {
  seats_.reserve(std::size_t(workers - 1));
  try {
    const QuietThreads quiet;
    while (int(seats_.size()) < workers - 1) start();
  } catch (...) {
    stop();
    throw;
  }
}

Team::~Team() { stop(); }

void Team::start() {
  Seat& seat = seats_.emplace_back(Seat{this, int(seats_.size()) + 1, {}});
  const auto main = [](void* given) -> void* {
    const Seat& own = *static_cast<const Seat*>(given);
    own.team->work(own.id);
    return nullptr;
  };
  if (const int error = pthread_create(&seat.thread, nullptr, main, &seat); error != 0) {
    seats_.pop_back();
    throw Error(Errc::no_memory, "cannot start " + std::to_string(workers_ - 1) +
                                     " more threads: " + std::generic_category().message(error));
  }
}

// A forked child must not even wait for threads it does not have.
void Team::stop() noexcept {
  if (is_forked()) return;
  body_ = nullptr;
  next_phase(round_);
  for (const Seat& seat : seats_) pthread_join(seat.thread, nullptr);
}

const std::vector<int>& Team::cpus_of(int id) const noexcept {
  static const std::vector<int> anywhere;
  return cpus_.empty() ? anywhere : cpus_[std::size_t(id) % cpus_.size()];
}

void Team::work(int id) noexcept {
  if (!cpus_.empty()) pin_thread(cpus_of(id));
  const int looks = looks_of(workers_, cpus_) > 0 ? kLooksBetweenRuns : 0;
  for (std::uint32_t round = 0;; ++round) {
    wait_while(round_, round, looks);
    if (body_ == nullptr) return;
    (*body_)(Worker{id, workers_, &barrier_, &shares_});
    barrier_.wait();
  }
}

void Team::run(const std::function<void(const Worker&)>& body) noexcept {
  const Pinned here(cpus_of(0));
  if (workers_ == 1 || is_forked()) {
    body(Worker{0, 1});
    return;
  }
  shares_.reset();
  body_ = &body;
  next_phase(round_);
  body(Worker{0, workers_, &barrier_, &shares_});
  barrier_.wait();
}

}  // namespace longhand
