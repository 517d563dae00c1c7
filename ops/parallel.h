// A team of workers that runs one function together, stage by stage. parallel.cpp is the only file with
// OpenMP.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>

#include "ops/shares.h"

namespace longhand {

/// Makes workers wait for each other. Spins briefly, then yields: a worker whose core is taken must not stall
/// others.
class Barrier {
 public:
  explicit Barrier(int workers) noexcept : workers_(workers) {}
  void wait() noexcept;

 private:
  const int workers_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> phase_{0};
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

class Team {
 public:
  /// Throws std::bad_alloc.
  explicit Team(int workers) : workers_(workers), shares_(workers) {}
  int size() const noexcept { return workers_; }
  /// Runs body(worker) on every worker and returns when all are done. The body must not throw.
  void run(const std::function<void(const Worker&)>& body) noexcept;

 private:
  int workers_;
  Shares shares_;
};

}  // namespace longhand
