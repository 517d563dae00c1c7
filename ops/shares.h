// Work dealt out in shares, of which those who are done early take over what others have not begun. So a
// worker on a slow core, or one whose core does something else, does not keep the rest waiting.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace longhand {

/// How far each worker's share of the present stage has been taken. All workers go through the same stages in
/// the same order, but not at the same time: a share is known by its stage, and one that its worker has not
/// come to yet counts as untouched.
class Shares {
 public:
  /// Throws std::bad_alloc.
  explicit Shares(int workers) : workers_(workers), share_(new Share[std::size_t(workers)]) {}
  /// Before a run: all workers are at the first stage.
  void reset() noexcept;
  /// `worker` goes on to its next stage, which this returns.
  std::uint32_t next_stage(int worker) noexcept { return ++share_[std::size_t(worker)].stage; }
  /// One of `pieces` pieces of work, each handed out once: first those of the worker's own share, in order,
  /// then the others'. -1 when there are no more.
  std::int64_t take(int worker, std::uint32_t stage, std::int64_t pieces) noexcept;

 private:
  struct alignas(64) Share {
    std::atomic<std::uint64_t> taken{0};  // stage << 32 | pieces taken
    std::uint32_t stage = 0;              // its worker's own count
  };
  bool take_from(Share& share, std::uint32_t stage, std::int64_t pieces, std::int64_t& piece) noexcept;

  int workers_;
  std::unique_ptr<Share[]> share_;  // (workers)
};

}  // namespace longhand
