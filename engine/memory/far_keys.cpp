#include "engine/memory/far_keys.h"

#include <algorithm>
#include <limits>

namespace longhand {

FarKeys::FarKeys(int heads, int count, std::int32_t key_dim, std::int32_t value_dim) noexcept
    : heads_(heads),
      count_(count),
      padded_((count + kKeyBlock - 1) / kKeyBlock * kKeyBlock),
      shape_(CacheFormat::f32, CacheFormat::f32, key_dim, value_dim) {}

std::uint64_t FarKeys::bytes() const noexcept {
  return std::uint64_t(heads_) * std::uint64_t(padded_) * sizeof(float) *
         std::uint64_t(shape_.key_dim + shape_.value_dim + 1);
}

void FarKeys::reserve() {
  const auto n = std::size_t(heads_) * std::size_t(padded_) * sizeof(float);
  keys_ = Buffer(n * std::size_t(shape_.key_dim));
  values_ = Buffer(n * std::size_t(shape_.value_dim));
  bias_ = Buffer(n);
  clear();
}

void FarKeys::clear() noexcept {
  std::fill_n(bias_.as<float>(), std::int64_t{heads_} * padded_, -std::numeric_limits<float>::infinity());
}

void FarKeys::set_key(int head, int key, const float* vector) const noexcept {
  auto* block = reinterpret_cast<float*>(keys(head) + key / kKeyBlock * shape_.key_block_bytes());
  for (int d = 0; d < shape_.key_dim; ++d) block[d * kKeyBlock + key % kKeyBlock] = vector[d];
}

void FarKeys::get_key(int head, int key, float* vector) const noexcept {
  const auto* block = reinterpret_cast<const float*>(keys(head) + key / kKeyBlock * shape_.key_block_bytes());
  for (int d = 0; d < shape_.key_dim; ++d) vector[d] = block[d * kKeyBlock + key % kKeyBlock];
}

void FarKeys::attend(const Tile& tile, int part, const Partials& to) const noexcept {
  const int start = part * kAttendKeys;
  Keys k{{}, shape_.keys, shape_.values, start, bias(tile.kv_head) + start};
  k.view.keys = keys(tile.kv_head) + start / kKeyBlock * shape_.key_block_bytes();
  k.view.values = reinterpret_cast<std::byte*>(value(tile.kv_head, start));
  k.view.key_block_bytes = shape_.key_block_bytes();
  k.view.value_row_bytes = shape_.value_row_bytes();
  k.view.key_dim = shape_.key_dim;
  k.view.value_dim = shape_.value_dim;
  const int count = count_;
  attend_keys(tile, tile.far_query, k,
              seen(
                  tile, [](int) { return 0; }, [count](int) { return count; }),
              to);
}

void FarKeys::live(const VisitBytes& visit) const {
  const auto n = std::size_t(heads_) * std::size_t(padded_) * sizeof(float);
  visit(bias_.data(), n);
  visit(values_.data(), n * std::size_t(shape_.value_dim));
}

}  // namespace longhand
