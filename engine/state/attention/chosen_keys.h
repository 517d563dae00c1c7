// Hides keys that an indexer has not chosen.
#pragma once

#include "engine/state/attention/attention_state.h"

namespace longhand {

/// Gives `keys`, kAttendKeys of them, a bias that hides those the tile's indexer has not chosen, in the
/// tile's scratch. False where that is all of them: `to` says so. Where nothing was chosen, all stay.
bool show_chosen(const Tile& tile, Keys& keys, const Partials& to) noexcept;

}  // namespace longhand
