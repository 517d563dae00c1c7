#include "engine/state/kv_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "engine/state/cache_type.h"
#include "ops/error.h"

namespace longhand {
namespace {

std::int64_t value_bytes(CacheFormat format, std::int64_t n) {
  return n * kCacheGroupBytes[int(format)] / kQ8Group;
}

void check(CacheFormat format, const char* option, const char* what, int dim) {
  if (is_grouped(format) && dim % kQ8Group != 0) {
    throw Error(Errc::range, fmt::format("{} {} needs a {} size that is a multiple of {}; this model's is {}",
                                         option, kCacheTypeNames[std::size_t(format)], what, kQ8Group, dim));
  }
}

}  // namespace

KvShape::KvShape(CacheType key_type, CacheType value_type, std::int32_t kd, std::int32_t vd,
                 std::int32_t in_key)
    : KvShape(cache_format(key_type), cache_format(value_type), kd, vd, in_key) {
  check(keys, "key_cache", "key head", key_dim);
  if (apart()) check(values, "value_cache", "value head", value_dim);
}

std::int64_t KvShape::key_block_bytes() const noexcept {
  return value_bytes(keys, std::int64_t{key_dim} * kKeyBlock);
}
std::int64_t KvShape::value_row_bytes() const noexcept {
  return apart() ? value_bytes(values, value_dim) : 0;
}

// One piece of memory for all, so that the system can back it with large pages; each chunk keeps the whole
// alive.
void TokenStore::reserve() {
  const auto all = std::make_shared<Buffer>(std::size_t(bytes()));
  memory_.resize(std::size_t(chunks_));
  for (std::size_t i = 0; i < memory_.size(); ++i)
    memory_[i] = {all->data() + std::int64_t(i) * chunk_bytes(), [all](std::byte*) {}};
}

void TokenStore::will_write(int from, int to) {
  if (chunks_ == 0) return;
  for (int start = from / tokens_ * tokens_; start < to; start += tokens_) {
    std::shared_ptr<std::byte>& chunk = memory_[std::size_t(start / tokens_ % chunks_)];
    if (chunk.use_count() == 1) {
      // Whoever shared it last has read it before letting go.
      std::atomic_thread_fence(std::memory_order_acquire);
      continue;
    }
    const auto own = std::make_shared<Buffer>(std::size_t(chunk_bytes()));
    std::copy_n(chunk.get(), chunk_bytes(), own->data());
    chunk = {own->data(), [own](std::byte*) {}};
  }
}

int TokenStore::oldest(int end) const noexcept {
  const int chunks = (end + tokens_ - 1) / tokens_;
  return std::max(0, chunks - chunks_) * tokens_;
}

std::uint64_t TokenStore::most_live(std::int64_t tokens) const noexcept {
  // However they lie, n neighbours touch at most one block more than they fill.
  const std::int64_t all = std::int64_t{chunks_} * (tokens_ / kKeyBlock);
  const std::int64_t touched = std::min(all, (tokens + kKeyBlock - 1) / kKeyBlock + 1);
  return std::uint64_t(touched) * std::uint64_t(heads_) * std::uint64_t(block_bytes_);
}

void TokenStore::live(int from, int to, const VisitBytes& visit) const {
  if (bytes() == 0) return;
  for (int start = from / kKeyBlock * kKeyBlock, end; start < to; start = end) {
    end = (start / tokens_ + 1) * tokens_;
    const int blocks = (std::min(end, to) - start + kKeyBlock - 1) / kKeyBlock;
    for (int h = 0; h < heads_; ++h)
      visit(chunk(h, start) + start % tokens_ / kKeyBlock * block_bytes_, std::size_t(blocks * block_bytes_));
  }
}

int chunks_for(std::int64_t tokens, int context) noexcept {
  const std::int64_t all = (std::int64_t{context} + kAttendKeys - 1) / kAttendKeys;
  // However they lie, n neighbours touch at most one chunk more than they fill.
  return int(std::min(all, (tokens + kAttendKeys - 1) / kAttendKeys + 1));
}

KvView view_of(const KvShape& shape, const TokenStore& keys, const TokenStore& values, int head,
               int position) noexcept {
  KvView v;
  v.keys = keys.chunk(head, position);
  v.values = values.chunk(head, position);
  v.key_block_bytes = shape.key_block_bytes();
  v.value_row_bytes = shape.value_row_bytes();
  v.key_dim = shape.key_dim;
  v.value_dim = shape.value_dim;
  v.value_in_key = shape.value_in_key;
  return v;
}

}  // namespace longhand
