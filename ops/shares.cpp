#include "ops/shares.h"

namespace longhand {

void Shares::reset() noexcept {
  for (int w = 0; w < workers_; ++w) {
    share_[std::size_t(w)].taken.store(0, std::memory_order_relaxed);
    share_[std::size_t(w)].stage = 0;
  }
}

// Relaxed throughout: barriers between stages order the data, and each piece has one writer.
bool Shares::take_from(Share& share, std::uint32_t stage, std::int64_t pieces, std::int64_t& piece) noexcept {
  std::uint64_t seen = share.taken.load(std::memory_order_relaxed);
  for (;;) {
    const auto at = std::uint32_t(seen >> 32);
    // Its worker is ahead, which it cannot be before all of this stage had been taken.
    if (at > stage) return false;
    const std::uint32_t taken = at == stage ? std::uint32_t(seen) : 0;
    if (taken >= pieces) return false;
    const std::uint64_t next = std::uint64_t{stage} << 32 | (taken + 1);
    if (share.taken.compare_exchange_weak(seen, next, std::memory_order_relaxed)) {
      piece = taken;
      return true;
    }
  }
}

std::int64_t Shares::take(int worker, std::uint32_t stage, std::int64_t pieces) noexcept {
  for (int i = 0; i < workers_; ++i) {
    const int from = (worker + i) % workers_;
    const std::int64_t begin = pieces * from / workers_, end = pieces * (from + 1) / workers_;
    std::int64_t piece = 0;
    if (take_from(share_[std::size_t(from)], stage, end - begin, piece)) return begin + piece;
  }
  return -1;
}

}  // namespace longhand
