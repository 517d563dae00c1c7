// A summary of old text in the form of a few keys: attention over it is attention over them.
#pragma once

#include <span>

#include "engine/state/attention/attention_state.h"

namespace longhand {

/// Keys of every kv head that stand for many tokens each: a vector, the mean value of its tokens, and a bias,
/// the logarithm of their weight. All far queries see all of them.
class FarKeys {
 public:
  /// Allocates nothing yet.
  FarKeys(int heads, int count, std::int32_t key_dim, std::int32_t value_dim) noexcept;
  std::uint64_t bytes() const noexcept;
  /// Nothing stands for anything then. Throws Error(no_memory).
  void reserve();
  void clear() noexcept;

  int count() const noexcept { return count_; }
  std::int32_t key_dim() const noexcept { return shape_.key_dim; }
  std::int32_t value_dim() const noexcept { return shape_.value_dim; }
  /// (count in blocks of 16, key_dim, 16), which are also panels of F32 rows.
  std::byte* keys(int head) const noexcept { return keys_.data() + head * key_bytes(); }
  float* value(int head, int key) const noexcept {
    return values_.as<float>() + (std::int64_t{head} * padded_ + key) * shape_.value_dim;
  }
  /// (count in whole blocks) -infinity for keys that stand for nothing.
  float* bias(int head) const noexcept { return bias_.as<float>() + std::int64_t{head} * padded_; }
  /// Values of a key's vector from number `first` on.
  void set_key(int head, int key, std::span<const float> values, int first = 0) const noexcept;
  void get_key(int head, int key, std::span<float> values, int first = 0) const noexcept;

  /// Attention falls into parts of kAttendKeys keys.
  int parts() const noexcept { return (count_ + kAttendKeys - 1) / kAttendKeys; }
  void attend(const Tile& tile, const QueryRows& queries, int part, const Partials& to) const noexcept {
    score(tile, queries, part, to);
    weigh(tile, part, to);
  }
  /// The two halves of it: weights in the tile's scratch, m and l; then acc.
  void score(const Tile& tile, const QueryRows& queries, int part, const Partials& to) const noexcept;
  void weigh(const Tile& tile, int part, const Partials& to) const noexcept;

  void live_keys(const VisitBytes& visit) const { visit(keys_.data(), std::size_t(heads_ * key_bytes())); }
  void live(const VisitBytes& visit) const;  // bias and values

 private:
  std::int64_t key_bytes() const noexcept { return padded_ / kKeyBlock * shape_.key_block_bytes(); }

  AttendArgs args(const Tile& tile, int part, const Seen& seen, const Partials& to) const noexcept;
  Seen all_of(int part) const noexcept;

  int heads_, count_, padded_;  // padded_: count_ in whole blocks of keys
  KvShape shape_;
  Buffer keys_;    // (kv_heads, padded / 16, key_dim, 16)
  Buffer values_;  // (kv_heads, padded, value_dim)
  Buffer bias_;    // (kv_heads, padded)
};

}  // namespace longhand
