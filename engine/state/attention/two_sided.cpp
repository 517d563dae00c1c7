#include "engine/state/attention/two_sided.h"

#include <algorithm>

namespace longhand {

TwoSided::TwoSided(const MemorySite& s, int all_near)
    : kv_(s.kv),
      window_(s.plan.window),
      all_near_(all_near),
      chunks_(chunks_for(s.context, s.context)),
      near_chunks_(chunks_for(std::int64_t{window_} + s.batch, s.context)),
      first_((all_near + kAttendKeys - 1) / kAttendKeys * kAttendKeys),
      far_keys_(chunks_, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
      first_keys_(first_ / kAttendKeys, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
      near_keys_(near_chunks_, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
      values_(chunks_, kAttendKeys, s.core.kv_heads, kKeyBlock * kv_.value_row_bytes()) {}

std::uint64_t TwoSided::bytes() const noexcept {
  return far_keys_.bytes() + first_keys_.bytes() + near_keys_.bytes() + values_.bytes();
}

void TwoSided::reserve() {
  for (TokenStore* s : {&far_keys_, &first_keys_, &near_keys_, &values_}) s->reserve();
}

void TwoSided::release() noexcept {
  for (TokenStore* s : {&far_keys_, &first_keys_, &near_keys_, &values_}) s->release();
}

void TwoSided::store(const NewToken& t) noexcept {
  auto* far_key = t.scratch.acc.as<float>();
  std::copy_n(t.key, kv_.key_dim, far_key);
  turn_far(t, far_key);
  far().put_key(t, far_key);
  t.rotate(t.key, t.turn);
  near(t.position).put(t);
}

// Far chunks come first, from the start of the text to the last key any query sees from afar.
int TwoSided::parts(Queries q) const noexcept {
  return far_parts(q) + (q.end - 1) / kAttendKeys - near_from(q.begin) / kAttendKeys + 1;
}

// Queries of one batch may be some that see everything near, and some that do not.
int TwoSided::most_parts() const noexcept {
  return chunks_ + std::min(chunks_, near_chunks_ + first_ / kAttendKeys);
}

void TwoSided::attend(const Tile& tile, Queries q, int part, const Partials& to) const noexcept {
  const auto border = [this](int i) { return near_from(i); };
  if (part < far_parts(q)) {
    const Keys keys = far().at(tile.kv_head, part * kAttendKeys);
    attend_keys(tile, tile.far_query, keys, seen(tile, from_start, border), to);
  } else {
    const int start = (part - far_parts(q) + near_from(q.begin) / kAttendKeys) * kAttendKeys;
    const Keys keys = near(start).at(tile.kv_head, start);
    attend_keys(tile, tile.query, keys, seen(tile, border, to_itself), to);
  }
}

bool TwoSided::reaches(int size, int written) const noexcept {
  return size <= first_ || passing_from(near_from(size)) >= near_keys_.oldest(written);
}

void TwoSided::live(int size, const VisitBytes& visit) {
  if (size > first_) near_keys_.live(passing_from(near_from(size)), size, visit);
}

void TwoSided::held(int size, int written, const VisitBytes& visit) {
  for (TokenStore* s : {&far_keys_, &values_}) s->live(0, size, visit);
  first_keys_.live(0, std::min(size, first_), visit);
  if (size > first_) near_keys_.live(passing_from(near_keys_.oldest(written)), size, visit);
}

}  // namespace longhand
