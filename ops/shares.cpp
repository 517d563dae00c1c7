#include "ops/shares.h"

#include <algorithm>
#include <cmath>

namespace longhand {

Shares::Shares(int workers, const std::vector<double>& speeds)
    : workers_(workers), share_(new Share[std::size_t(workers)]) {
  const bool alike = std::ranges::all_of(speeds, [&](double speed) { return speed == speeds.front(); });
  if (alike) return;
  for (int w = 0; w < workers; ++w) {
    Share& share = share_[std::size_t(w)];
    share.speed = std::max<std::int64_t>(1, std::lround(speeds[std::size_t(w)] * double(kFull)));
    share.bounds.resize(std::size_t(workers) + 1);
    speed_ += share.speed;
  }
}

void Shares::reset() noexcept {
  for (int w = 0; w < workers_; ++w) {
    share_[std::size_t(w)].taken.store(0, std::memory_order_relaxed);
    share_[std::size_t(w)].stage = 0;
  }
}

// Where shares begin when workers differ. What is left over after whole pieces goes, one by one, to whoever
// is done with it first.
const std::vector<std::int64_t>& Shares::bounds_for(Share& own, std::int64_t pieces) const noexcept {
  if (own.pieces == pieces) return own.bounds;
  own.pieces = pieces;
  std::int64_t* const counts = own.bounds.data() + 1;
  std::int64_t left = pieces;
  for (int w = 0; w < workers_; ++w) {
    counts[w] = pieces * share_[std::size_t(w)].speed / speed_;
    left -= counts[w];
  }
  const auto end = [&](int w) { return double(counts[w] + 1) / double(share_[std::size_t(w)].speed); };
  for (; left > 0; --left) {
    int first = 0;
    for (int w = 1; w < workers_; ++w) first = end(w) < end(first) ? w : first;
    ++counts[first];
  }
  for (int w = 1; w < workers_; ++w) counts[w] += counts[w - 1];
  return own.bounds;
}

// Relaxed throughout: barriers between stages order the data, and each piece has one writer. `least` pieces
// must be left.
bool Shares::take_from(Share& share, std::uint32_t stage, std::int64_t pieces, std::int64_t least,
                       std::int64_t& piece) noexcept {
  std::uint64_t seen = share.taken.load(std::memory_order_relaxed);
  for (;;) {
    const auto at = std::uint32_t(seen >> 32);
    // Its worker is ahead, which it cannot be before all of this stage had been taken.
    if (at > stage) return false;
    const std::uint32_t taken = at == stage ? std::uint32_t(seen) : 0;
    if (taken + least > pieces) return false;
    const std::uint64_t next = std::uint64_t{stage} << 32 | (taken + 1);
    if (share.taken.compare_exchange_weak(seen, next, std::memory_order_relaxed)) {
      piece = taken;
      return true;
    }
  }
}

std::int64_t Shares::take(int worker, std::uint32_t stage, std::int64_t pieces) noexcept {
  Share& own = share_[std::size_t(worker)];
  const std::vector<std::int64_t>* bounds = speed_ > 0 ? &bounds_for(own, pieces) : nullptr;
  for (int i = 0; i < workers_; ++i) {
    const auto from = std::size_t((worker + i) % workers_);
    const std::int64_t begin = bounds ? (*bounds)[from] : pieces * std::int64_t(from) / workers_,
                       end = bounds ? (*bounds)[from + 1] : pieces * std::int64_t(from + 1) / workers_;
    // So many pieces take the share's worker as long as one takes this one.
    const std::int64_t least = i == 0 ? 1 : (share_[from].speed + own.speed - 1) / own.speed;
    std::int64_t piece = 0;
    if (take_from(share_[from], stage, end - begin, least, piece)) return begin + piece;
  }
  return -1;
}

}  // namespace longhand
