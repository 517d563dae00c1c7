#include "engine/state/attention/attention_state.h"

#include <algorithm>

namespace longhand {

void attend_keys(const Tile& tile, const QueryRows& queries, const Keys& keys, const Seen& seen,
                 const Partials& to) noexcept {
  Seen in_view;
  std::array<std::int32_t, kAttendRows> own;
  int begin = kAttendKeys, end = 0;
  for (std::size_t r = 0; r < std::size_t(tile.rows); ++r) {
    in_view.from[r] = std::clamp(seen.from[r] - keys.start, 0, kAttendKeys);
    in_view.to[r] = std::clamp(seen.to[r] - keys.start, 0, kAttendKeys);
    own[r] = tile.position[r] - keys.start;
    if (in_view.from[r] >= in_view.to[r]) continue;
    begin = std::min(begin, in_view.from[r]);
    end = std::max(end, in_view.to[r]);
  }
  if (begin >= end) {
    std::fill_n(to.l, tile.rows, 0.0f);
    return;
  }
  AttendArgs a;
  a.kv = keys.view;
  a.begin = begin / kKeyBlock * kKeyBlock;
  a.end = end;
  a.rows = tile.rows;
  a.q = queries.data();
  a.from = in_view.from.data();
  a.to = in_view.to.data();
  a.softcap = tile.softcap;
  a.bias = keys.bias;
  if (tile.slopes) {
    a.slope = tile.slope.data();
    a.own = own.data();
  }
  a.scores = tile.scratch.scores.as<float>();
  a.unpacked = tile.scratch.unpacked.as<float>();
  a.m = to.m;
  a.l = to.l;
  a.acc = to.acc;
  tile.kernels.attend_keys[int(keys.key_format)](a);
  tile.kernels.attend_values[int(keys.value_format)](a);
}

}  // namespace longhand
