#include "engine/state/attention/far_keys.h"

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

void FarKeys::set_key(int head, int key, std::span<const float> values, int first) const noexcept {
  auto* block = reinterpret_cast<float*>(keys(head) + key / kKeyBlock * shape_.key_block_bytes());
  for (std::size_t d = 0; d < values.size(); ++d)
    block[(std::size_t(first) + d) * kKeyBlock + std::size_t(key % kKeyBlock)] = values[d];
}

void FarKeys::get_key(int head, int key, std::span<float> values, int first) const noexcept {
  const auto* block = reinterpret_cast<const float*>(keys(head) + key / kKeyBlock * shape_.key_block_bytes());
  for (std::size_t d = 0; d < values.size(); ++d)
    values[d] = block[(std::size_t(first) + d) * kKeyBlock + std::size_t(key % kKeyBlock)];
}

Seen FarKeys::all_of(int part) const noexcept {
  Seen all;
  all.to.fill(std::min(kAttendKeys, count_ - part * kAttendKeys));
  return all;
}

AttendArgs FarKeys::args(const Tile& tile, int part, const Seen& seen, const Partials& to) const noexcept {
  const int start = part * kAttendKeys;
  AttendArgs a;
  a.kv.keys = keys(tile.kv_head) + start / kKeyBlock * shape_.key_block_bytes();
  a.kv.values = reinterpret_cast<std::byte*>(value(tile.kv_head, start));
  a.kv.key_block_bytes = shape_.key_block_bytes();
  a.kv.value_row_bytes = shape_.value_row_bytes();
  a.kv.key_dim = shape_.key_dim;
  a.kv.value_dim = shape_.value_dim;
  a.bias = bias(tile.kv_head) + start;
  a.end = seen.to[0];
  a.rows = tile.rows;
  a.from = seen.from.data();
  a.to = seen.to.data();
  a.softcap = tile.softcap;
  a.scores = tile.scratch.scores.as<float>();
  a.m = to.m;
  a.l = to.l;
  a.acc = to.acc;
  return a;
}

void FarKeys::score(const Tile& tile, const QueryRows& queries, int part, const Partials& to) const noexcept {
  const Seen all = all_of(part);
  AttendArgs a = args(tile, part, all, to);
  a.q = queries.data();
  tile.kernels.attend_keys[int(shape_.keys)](a);
}

void FarKeys::weigh(const Tile& tile, int part, const Partials& to) const noexcept {
  const Seen all = all_of(part);
  tile.kernels.attend_values[int(shape_.values)](args(tile, part, all, to));
}

void FarKeys::live(const VisitBytes& visit) const {
  const auto n = std::size_t(heads_) * std::size_t(padded_) * sizeof(float);
  visit(bias_.data(), n);
  visit(values_.data(), n * std::size_t(shape_.value_dim));
}

}  // namespace longhand
