#include "engine/state/attention/two_sided.h"

#include <algorithm>

namespace longhand {

TwoSided::TwoSided(const MemorySite& s)
    : kv_(s.kv),
      window_(s.plan.window),
      chunks_(chunks_for(s.context, s.context)),
      near_chunks_(chunks_for(std::int64_t{window_} + s.batch, s.context)),
      far_keys_(chunks_, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
      near_keys_(near_chunks_, kAttendKeys, s.core.kv_heads, kv_.key_block_bytes()),
      values_(chunks_, kAttendKeys, s.core.kv_heads, kKeyBlock * kv_.value_row_bytes()) {}

std::uint64_t TwoSided::bytes() const noexcept {
  return far_keys_.bytes() + near_keys_.bytes() + values_.bytes();
}

void TwoSided::reserve() {
  for (TokenStore* s : {&far_keys_, &near_keys_, &values_}) s->reserve();
}

void TwoSided::store(const NewToken& t) noexcept {
  auto* far_key = t.scratch.acc.as<float>();
  std::copy_n(t.key, kv_.key_dim, far_key);
  turn_far(t, far_key);
  far().put_key(t, far_key);
  t.rotate(t.key, t.turn);
  near().put(t);
}

// Far chunks come first, from the start of the text to the last key any query sees from afar.
int TwoSided::parts(Queries q) const noexcept {
  return far_parts(q) + (q.end - 1) / kAttendKeys - near_from(q.begin) / kAttendKeys + 1;
}

int TwoSided::most_parts() const noexcept { return chunks_ + near_chunks_; }

void TwoSided::attend(const Tile& tile, Queries q, int part, const Partials& to) const noexcept {
  const auto border = [this](int i) { return near_from(i); };
  if (part < far_parts(q)) {
    const Keys keys = far().at(tile.kv_head, part * kAttendKeys);
    attend_keys(tile, tile.far_query, keys, seen(tile, from_start, border), to);
  } else {
    const int chunk = part - far_parts(q) + near_from(q.begin) / kAttendKeys;
    const Keys keys = near().at(tile.kv_head, chunk * kAttendKeys);
    attend_keys(tile, tile.query, keys, seen(tile, border, to_itself), to);
  }
}

bool TwoSided::reaches(int size, int written) const noexcept {
  return near_from(size) >= near_keys_.oldest(written);
}

void TwoSided::live(int size, const VisitBytes& visit) { near_keys_.live(near_from(size), size, visit); }

void TwoSided::held(int size, int written, const VisitBytes& visit) {
  for (TokenStore* s : {&far_keys_, &values_}) s->live(0, size, visit);
  near_keys_.live(near_keys_.oldest(written), size, visit);
}

}  // namespace longhand
