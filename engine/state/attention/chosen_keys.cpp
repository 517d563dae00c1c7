#include "engine/state/attention/chosen_keys.h"

#include <algorithm>
#include <limits>

namespace longhand {

bool show_chosen(const Tile& tile, Keys& keys, const Partials& to) noexcept {
  if (tile.block == 0) return true;
  auto* bias = tile.scratch.memory.as<float>();
  std::fill_n(bias, kAttendKeys, -std::numeric_limits<float>::infinity());
  keys.bias = bias;
  const int start = keys.start, first = start / tile.block, end = start + kAttendKeys;
  auto chosen = std::lower_bound(tile.chosen.begin(), tile.chosen.end(), first);
  bool any = false;
  for (; chosen != tile.chosen.end() && std::int64_t{*chosen} * tile.block < end; ++chosen) {
    const int from = std::max(start, *chosen * tile.block) - start;
    const auto until = int(std::min<std::int64_t>(end, (std::int64_t{*chosen} + 1) * tile.block)) - start;
    std::fill(bias + from, bias + until, 0.0f);
    any = true;
  }
  if (!any) std::fill_n(to.l, tile.rows, 0.0f);
  return any;
}

}  // namespace longhand
