// The keys of an indexer, one for each token or each block of tokens that keys stand for.
#pragma once

#include "engine/state/attention/kinds.h"

namespace longhand {

class IndexKeys {
 public:
  /// Beside a memory of so many chunks. Empty where no indexer chooses keys. Allocates nothing yet.
  IndexKeys(const MemorySite& s, int chunks) noexcept
      : width_(s.plan.indexer ? s.core.indexer.width : 0),
        keys_(width_ > 0 ? chunks : 0, kAttendKeys, 1,
              std::int64_t{kKeyBlock} * width_ * std::int64_t(sizeof(float))) {}
  bool empty() const noexcept { return width_ == 0; }
  TokenStore& store() noexcept { return keys_; }
  void share(const IndexKeys& other) { keys_.share(other.keys_); }
  std::uint64_t bytes() const noexcept { return keys_.bytes(); }
  /// What show_chosen() needs.
  std::size_t scratch_bytes() const noexcept { return empty() ? 0 : kAttendKeys * sizeof(float); }

  /// See AttentionState::index_block(): of the key of that number.
  float* block(int key) const noexcept {
    if (empty()) return nullptr;
    auto* chunk = reinterpret_cast<float*>(keys_.chunk(0, key));
    return chunk + key % kAttendKeys / kKeyBlock * kKeyBlock * width_;
  }

 private:
  int width_;  // 0: there are none
  TokenStore keys_;
};

}  // namespace longhand
