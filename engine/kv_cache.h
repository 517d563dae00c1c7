// Where keys and values lie: chunks of kAttendKeys tokens, the unit attention works in; in a chunk each head
// has its keys or values in one piece. So memory is touched in the order the text grows, and one head still
// streams. A store with fewer chunks than the text is a ring: each chunk takes the place of the oldest.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/types/session_options.h"
#include "loaders/config.h"
#include "ops/buffer.h"
#include "ops/kernels.h"

namespace longhand {

/// How one head's keys and values are written, in every layer of a session.
struct KvShape {
  CacheFormat keys, values;
  std::int32_t key_dim, value_dim;

  /// Throws Error: range (q8_0 with head sizes that are no multiples of 32, numbers that are no type).
  KvShape(const ModelConfig& config, CacheType key_type, CacheType value_type);
  KvShape(CacheFormat k, CacheFormat v, std::int32_t kd, std::int32_t vd)
      : keys(k), values(v), key_dim(kd), value_dim(vd) {}
  std::int64_t key_block_bytes() const noexcept;
  std::int64_t value_row_bytes() const noexcept;
};

/// Called with pieces of a memory's state.
using VisitBytes = std::function<void(std::byte*, std::size_t)>;

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
  void reserve() { buffer_ = Buffer(std::size_t(bytes())); }
  std::uint64_t bytes() const noexcept {
    return std::uint64_t(chunks_) * std::uint64_t(heads_) * std::uint64_t(head_bytes_);
  }

  /// One head's part of the chunk of `position`.
  std::byte* chunk(int head, int position) const noexcept {
    const std::int64_t slot = position / tokens_ % chunks_;
    return buffer_.data() + (slot * heads_ + head) * head_bytes_;
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
  Buffer buffer_;  // (chunks, heads, tokens of a chunk)
};

/// Chunks that hold any `tokens` neighbouring tokens, or all of a context where that is less.
int chunks_for(std::int64_t tokens, int context) noexcept;

/// The view of one head's keys and values, in which tokens count from the start of the chunk.
KvView view_of(const KvShape& shape, const TokenStore& keys, const TokenStore& values, int head,
               int position) noexcept;

/// Key and value of token `index` of a view as floats (key_dim, value_dim).
void read_key(const KvShape& shape, const KvView& view, int index, float* key) noexcept;
void read_value(const KvShape& shape, const KvView& view, int index, float* value) noexcept;

}  // namespace longhand
