// Keys and values of all tokens of a session.
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
  /// Room for `context` tokens; pages become resident as they are written. Throws Error: range (q8_0 with head
  /// sizes that are no multiples of 32), no_memory.
  KvCache(const ModelConfig& config, int context, CacheType keys, CacheType values);

  KvView view(int layer, int kv_head) const noexcept;
  CacheFormat key_format() const noexcept { return key_format_; }
  CacheFormat value_format() const noexcept { return value_format_; }
  /// Bytes reserved.
  std::uint64_t bytes() const noexcept;
  /// Bytes a cache for `context` tokens reserves.
  static std::uint64_t bytes(const ModelConfig& config, int context, CacheType keys, CacheType values) noexcept;

 private:
  struct Layer {
    Buffer keys;    // (kv_heads, key blocks)
    Buffer values;  // (kv_heads, tokens)
  };
  CacheFormat key_format_, value_format_;
  std::int64_t blocks_;  // key blocks per head
  std::int64_t key_block_bytes_, value_row_bytes_;
  std::int32_t key_dim_, value_dim_;
  std::vector<Layer> layers_;
};

}  // namespace longhand
