// Where keys and values lie: chunks of kAttendKeys tokens, the unit attention works in; in a chunk each head
// has its keys or values in one piece. So memory is touched in the order the text grows, and one head still
// streams. A store with fewer chunks than the text is a ring: each chunk takes the place of the oldest.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/state/layer_state.h"
#include "engine/types/session_options.h"
#include "ops/buffer.h"
#include "ops/kernels.h"

namespace longhand {

/// How one head's keys and values are written, in every layer of a session.
struct KvShape {
  CacheFormat keys, values;
  std::int32_t key_dim, value_dim;
  std::int32_t value_in_key;  // see KvView; values that are part of their keys are of the keys' type

  /// Throws Error: range (types of groups with head sizes that are no multiples of 32, numbers that are no
  /// type).
  KvShape(CacheType key_type, CacheType value_type, std::int32_t kd, std::int32_t vd,
          std::int32_t in_key = -1);
  KvShape(CacheFormat k, CacheFormat v, std::int32_t kd, std::int32_t vd, std::int32_t in_key = -1)
      : keys(k), values(in_key < 0 ? v : k), key_dim(kd), value_dim(vd), value_in_key(in_key) {}
  bool apart() const noexcept { return value_in_key < 0; }
  std::int64_t key_block_bytes() const noexcept;
  /// 0 where values are part of their keys.
  std::int64_t value_row_bytes() const noexcept;
};

/// Keys, or values, of the last tokens of a layer.
class TokenStore {
 public:
  TokenStore() = default;
  /// `block_bytes`: one head's part of kKeyBlock tokens. Nothing is allocated yet.
  TokenStore(int chunks, int chunk_tokens, int heads, std::int64_t block_bytes) noexcept
      : chunks_(chunks),
        heads_(heads),
        tokens_(chunk_tokens),
        block_bytes_(block_bytes),
        head_bytes_(chunk_tokens / kKeyBlock * block_bytes) {}
  /// Pages become resident as they are written. Throws Error(no_memory).
  void reserve();
  void release() noexcept { memory_.clear(); }
  /// Becomes a copy of a store of the same sizes: chunks are shared until one of both writes to them.
  void share(const TokenStore& other) { memory_ = other.memory_; }
  /// Call before positions [from, to) are written: chunks that others share become this store's own. Throws
  /// Error(no_memory) and changes nothing that can be seen.
  void will_write(int from, int to);
  int heads() const noexcept { return heads_; }
  std::uint64_t bytes() const noexcept {
    return std::uint64_t(chunks_) * std::uint64_t(heads_) * std::uint64_t(head_bytes_);
  }

  /// One head's part of the chunk of `position`.
  std::byte* chunk(int head, int position) const noexcept {
    const std::int64_t slot = position / tokens_ % chunks_;
    return memory_[std::size_t(slot)].get() + head * head_bytes_;
  }
  /// The oldest position still there when all up to `end` have been written.
  int oldest(int end) const noexcept;
  /// Bytes of the pieces that hold any `tokens` neighbouring positions.
  std::uint64_t most_live(std::int64_t tokens) const noexcept;
  /// The pieces that hold positions [from, to).
  void live(int from, int to, const VisitBytes& visit) const;

 private:
  int chunks_ = 0, heads_ = 0, tokens_ = kAttendKeys;
  std::int64_t block_bytes_ = 0, head_bytes_ = 0;
  std::int64_t chunk_bytes() const noexcept { return heads_ * head_bytes_; }

  std::vector<std::shared_ptr<std::byte>> memory_;  // (chunks) of (heads, tokens of a chunk)
};

/// Chunks that hold any `tokens` neighbouring tokens, or all of a context where that is less.
int chunks_for(std::int64_t tokens, int context) noexcept;

/// The view of one head's keys and values, in which tokens count from the start of the chunk.
KvView view_of(const KvShape& shape, const TokenStore& keys, const TokenStore& values, int head,
               int position) noexcept;

}  // namespace longhand
