#include "engine/state/attention/compressed_keys.h"

#include <algorithm>

#include "engine/state/attention/chosen_keys.h"
#include "engine/state/attention/kv_store.h"
#include "loaders/model/blocks/compressed.h"

namespace longhand {
namespace {

constexpr int kRewind = 64;  // tokens that can be gone back by without a checkpoint

std::int64_t floats_of(const AttentionCore& core) {
  const int sets = overlaps(core.ratio) ? 2 : 1;
  return 2 * std::int64_t{sets} * (core.head_dim + core.indexer.width);
}

}  // namespace

CompressedKeys::CompressedKeys(const MemorySite& s)
    : kv_(s.kv),
      ratio_(s.core.ratio),
      chunks_(chunks_for(std::max(1, s.context / ratio_), std::max(1, s.context / ratio_))),
      kept_(2 * ratio_ + kRewind),
      floats_(floats_of(s.core)),
      keys_(chunks_, kAttendKeys, 1, kv_.key_block_bytes()),
      values_(chunks_, kAttendKeys, 1, kKeyBlock * kv_.value_row_bytes()),
      index_(s, chunks_) {}

std::uint64_t CompressedKeys::bytes() const noexcept {
  return keys_.bytes() + values_.bytes() + index_.bytes() +
         std::uint64_t(kept_) * std::uint64_t(floats_) * sizeof(float);
}

void CompressedKeys::reserve() {
  for (TokenStore* s : {&keys_, &values_, &index_.store()}) s->reserve();
  left_ = Buffer(std::size_t(kept_) * std::size_t(floats_) * sizeof(float));
}

void CompressedKeys::store(const Kernels& kernels, const WorkerScratch& scratch, int block,
                           float* key) noexcept {
  KvStore{kv_, keys_, values_}.put({kernels, scratch, 0, block, key, key, {}, {}});
}

void CompressedKeys::attend(const Tile& tile, int part, const Partials& to) const noexcept {
  Keys keys = KvStore{kv_, keys_, values_}.at(tile.kv_head, part * kAttendKeys);
  if (!show_chosen(tile, keys, to)) return;
  attend_keys(tile, tile.query, keys, longhand::seen(tile, from_start, [this](int i) { return seen(i); }),
              to);
}

// The first token whose values the next blocks are made of; `size` where there is none.
int CompressedKeys::needed_from(int size) const noexcept {
  const int begin = size / ratio_ * ratio_;
  return overlaps(ratio_) ? std::max(0, begin - ratio_) : begin;
}

bool CompressedKeys::reaches(int size, int written) const noexcept {
  return needed_from(size) == size || needed_from(size) >= written - kept_;
}

void CompressedKeys::visit_left(int from, int to, const VisitBytes& visit) {
  for (int i = from; i < to; ++i)
    visit(reinterpret_cast<std::byte*>(left(i)), std::size_t(floats_) * sizeof(float));
}

void CompressedKeys::live(int size, const VisitBytes& visit) { visit_left(needed_from(size), size, visit); }

std::uint64_t CompressedKeys::most_live() const noexcept {
  return 2 * std::uint64_t(ratio_) * std::uint64_t(floats_) * sizeof(float);
}

void CompressedKeys::held(int size, int written, const VisitBytes& visit) {
  visit_left(std::max(0, written - kept_), size, visit);
  for (TokenStore* s : {&keys_, &values_, &index_.store()}) s->live(0, size / ratio_, visit);
}

}  // namespace longhand
