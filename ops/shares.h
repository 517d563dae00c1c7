// Work dealt out in shares, of which those who are done early take over what others have not begun. So a
// worker on a slow core, or one whose core does something else, does not keep the rest waiting.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace longhand {

/// How far each worker's share of the present stage has been taken. All workers go through the same stages in
/// the same order, but not at the same time: a share is known by its stage, and one that its worker has not
/// come to yet counts as untouched.
class Shares {
 public:
  /// `speeds` of the workers, of which the fastest have 1; none: all are alike. A share is as large as its
  /// worker is fast. Throws std::bad_alloc.
  explicit Shares(int workers, const std::vector<double>& speeds = {});
  /// Before a run: all workers are at the first stage.
  void reset() noexcept;
  /// `worker` goes on to its next stage, which this returns.
  std::uint32_t next_stage(int worker) noexcept { return ++share_[std::size_t(worker)].stage; }
  /// One of `pieces` pieces of work, each handed out once: first those of the worker's own share, in order,
  /// then the others'. A slow worker leaves to others what they would have done before it, so that the last
  /// pieces are done by fast ones. -1 when there are no more for it.
  std::int64_t take(int worker, std::uint32_t stage, std::int64_t pieces) noexcept;

 private:
  static constexpr std::int64_t kFull = 1024;  // the speed of the fastest
  struct alignas(64) Share {
    std::atomic<std::uint64_t> taken{0};  // stage << 32 | pieces taken
    std::uint32_t stage = 0;              // its worker's own count
    std::int64_t speed = kFull;
    // Where shares begin when there are so many pieces, as this worker has worked it out; where speeds
    // differ.
    std::int64_t pieces = -1;
    std::vector<std::int64_t> bounds;
  };
  const std::vector<std::int64_t>& bounds_for(Share& own, std::int64_t pieces) const noexcept;
  bool take_from(Share& share, std::uint32_t stage, std::int64_t pieces, std::int64_t least,
                 std::int64_t& piece) noexcept;

  int workers_;
  std::int64_t speed_ = 0;          // of all together; 0: all are alike
  std::unique_ptr<Share[]> share_;  // (workers)
};

}  // namespace longhand
