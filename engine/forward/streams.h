// Models whose tokens have several streams (see loaders/model/blocks/altup.h): how they begin and end.
#pragma once

#include "engine/forward/pass.h"

namespace longhand {

/// Stream k > 0 = enter[k - 1] x, scaled to the length of x, which is the first stream. Called by every
/// worker, after each has embedded its rows.
void enter_streams(const Pass& pass) noexcept;
/// x = the mean of x and of leave[k - 1] (stream k), scaled to the length of x. Called by every worker, after
/// all have met.
void leave_streams(const Pass& pass) noexcept;

}  // namespace longhand
