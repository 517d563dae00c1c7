#include "engine/kv_cache.h"

#include <fmt/format.h>

namespace longhand {
namespace {

// Bytes of n values: 32 values of q8_0 are a half-precision scale and 32 bytes.
std::int64_t value_bytes(CacheType type, std::int64_t n) {
  constexpr std::int64_t kPer32[] = {128, 64, 34};
  return n * kPer32[int(type)] / 32;
}

// Tokens there is room for: whole chunks.
std::int64_t room(int context) {
  return (std::int64_t{context} + kAttendKeys - 1) / kAttendKeys * kAttendKeys;
}

void check(CacheType type, const char* option, const char* what, int dim) {
  if (type == CacheType::q8_0 && dim % 32 != 0) {
    throw Error(Errc::range,
                fmt::format("{} q8_0 needs a {} size that is a multiple of 32; this model's is {}", option,
                            what, dim));
  }
}

}  // namespace

KvCache::KvCache(const ModelConfig& c, int context, CacheType keys, CacheType values)
    : key_format_(CacheFormat(keys)),
      value_format_(CacheFormat(values)),
      key_block_bytes_(value_bytes(keys, std::int64_t{c.head_dim} * kKeyBlock)),
      value_row_bytes_(value_bytes(values, c.value_dim)),
      key_dim_(c.head_dim),
      value_dim_(c.value_dim) {
  check(keys, "-ctk", "key head", c.head_dim);
  check(values, "-ctv", "value head", c.value_dim);
  for (const LayerPlan& plan : c.layers) {
    const std::int64_t tokens = room(context) * plan.kv_heads;
    layers_.push_back({plan.kv_heads, Buffer(std::size_t(tokens / kKeyBlock * key_block_bytes_)),
                       Buffer(std::size_t(tokens * value_row_bytes_))});
  }
}

KvView KvCache::view(int layer, int kv_head, int position) const noexcept {
  const Layer& l = layers_[std::size_t(layer)];
  const std::int64_t part = std::int64_t{position / kAttendKeys} * l.heads + kv_head;
  KvView v;
  v.keys = l.keys.data() + part * (kAttendKeys / kKeyBlock) * key_block_bytes_;
  v.values = l.values.data() + part * kAttendKeys * value_row_bytes_;
  v.key_block_bytes = key_block_bytes_;
  v.value_row_bytes = value_row_bytes_;
  v.key_dim = key_dim_;
  v.value_dim = value_dim_;
  return v;
}

std::uint64_t KvCache::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const Layer& l : layers_) sum += l.keys.size() + l.values.size();
  return sum;
}

std::uint64_t KvCache::bytes(const ModelConfig& c, int context, CacheType keys, CacheType values) noexcept {
  std::uint64_t heads = 0;
  for (const LayerPlan& plan : c.layers) heads += std::uint64_t(plan.kv_heads);
  return heads * std::uint64_t(value_bytes(keys, c.head_dim) + value_bytes(values, c.value_dim)) *
         std::uint64_t(room(context));
}

}  // namespace longhand
