// A team of workers that runs one function together, stage by stage.
//
// Threads of its own, not OpenMP's: that runtime ends the process where the system refuses a thread, as late
// as in the first computation of a new host thread, keeps a set of threads for every host thread that ever
// computed, and cannot be seen into by race detectors.
#pragma once

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "ops/shares.h"
#include "ops/topology.h"

namespace longhand {

/// A number that others wait to see changed. They look `looks` times before they sleep.
using Phase = std::atomic<std::uint32_t>;
void next_phase(Phase& phase) noexcept;
void wait_while(const Phase& phase, std::uint32_t value, int looks) noexcept;

/// Makes workers wait for each other.
class Barrier {
 public:
  Barrier(int workers, int looks) noexcept : workers_(workers), looks_(looks) {}
  void wait() noexcept;

 private:
  const int workers_, looks_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) Phase phase_{0};
};

struct Range {
  std::int64_t begin, end;
};

/// One member of a running team.
struct Worker {
  int id;
  int count;
  Barrier* barrier = nullptr;
  Shares* shares = nullptr;

  /// All workers reach this point before any goes on; what one wrote before it, all see after it.
  void sync() const noexcept {
    if (count > 1) barrier->wait();
  }
  /// This worker's part of n items in contiguous runs of whole `grain`s.
  Range split(std::int64_t n, std::int64_t grain = 1) const noexcept {
    const std::int64_t grains = (n + grain - 1) / grain;
    return {std::min(n, grains * id / count * grain), std::min(n, grains * (id + 1) / count * grain)};
  }
  /// piece(i) for n pieces of work, each on the one worker that comes to it first: a worker begins with its
  /// own share and then helps the others. Every worker must call this, with the same n; it returns when no
  /// piece is left to take, which is before others have ended theirs.
  template <class Piece>
  void deal(std::int64_t n, const Piece& piece) const noexcept {
    if (count == 1) {
      for (std::int64_t i = 0; i < n; ++i) piece(i);
      return;
    }
    const std::uint32_t stage = shares->next_stage(id);
    for (std::int64_t i; (i = shares->take(id, stage, n)) >= 0;) piece(i);
  }
};

/// The calling thread and `workers` - 1 threads that live as long as the team and sleep when there is nothing
/// to do. They take no signals, so that handlers run where the host expects them.
class Team {
 public:
  /// `cpus`: where the workers run, each as long as the team lives, the caller in run() alone; one on slow
  /// CPUs gets less work. Throws Error (no_memory) where the system refuses a thread, std::bad_alloc.
  explicit Team(int workers, const CpuSets& cpus = {});
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const noexcept { return workers_; }
  /// Runs body(worker) on every worker and returns when all are done. The body must not throw; one call at a
  /// time. In a forked child, which has none of these threads, the caller does all work.
  void run(const std::function<void(const Worker&)>& body) noexcept;

 private:
  struct Seat {
    Team* team;
    int id;
    pthread_t thread;
  };
  void start();
  void stop() noexcept;
  void work(int id) noexcept;
  bool is_forked() const noexcept { return ::getpid() != process_; }
  const std::vector<int>& cpus_of(int id) const noexcept;

  const int workers_;
  const pid_t process_;
  const CpuSets cpus_;
  Shares shares_;
  Barrier barrier_;
  alignas(64) Phase round_{0};
  const std::function<void(const Worker&)>* body_ = nullptr;  // of this round; null: the end
  std::vector<Seat> seats_;                                   // of all but the first worker
};

}  // namespace longhand
