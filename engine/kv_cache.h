// Keys and values of all tokens of a session.
//
// Tokens lie in chunks of kAttendKeys, the unit attention works in; in a chunk each head has its keys and
// values in one piece. So memory is touched in the order the text grows, and one head still streams.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/longhand.h"
#include "loaders/config.h"
#include "ops/buffer.h"
#include "ops/kernels.h"

namespace longhand {

class KvCache {
 public:
  /// Room for `context` tokens; pages become resident as they are written. Throws Error: range (q8_0 with
  /// head sizes that are no multiples of 32), no_memory.
  KvCache(const ModelConfig& config, int context, CacheType keys, CacheType values);

  /// One head's part of the chunk of `position`; in the view tokens count from the start of the chunk.
  KvView view(int layer, int kv_head, int position) const noexcept;
  CacheFormat key_format() const noexcept { return key_format_; }
  CacheFormat value_format() const noexcept { return value_format_; }
  /// Bytes reserved.
  std::uint64_t bytes() const noexcept;
  /// Bytes a cache for `context` tokens reserves.
  static std::uint64_t bytes(const ModelConfig& config, int context, CacheType keys,
                             CacheType values) noexcept;

 private:
  struct Layer {
    int heads;
    Buffer keys;    // (chunks, kv_heads, key blocks of a chunk)
    Buffer values;  // (chunks, kv_heads, tokens of a chunk)
  };
  CacheFormat key_format_, value_format_;
  std::int64_t key_block_bytes_, value_row_bytes_;
  std::int32_t key_dim_, value_dim_;
  std::vector<Layer> layers_;
};

}  // namespace longhand
