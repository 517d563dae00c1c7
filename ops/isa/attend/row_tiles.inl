// Query rows in tiles: as many at once as there are registers for.
#pragma once

#include "ops/isa/dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// kTileSums (x/) are the sums of a tile: kKeyBlock tokens or two vectors of a value, for each row. Measured
// on AVX2, where that is six rows: 1.05 to 1.1 times as fast as four. Becoming floats once for all rows, and
// not in every tile, keys took 1.1 times as long and values the same: the conversions find room beside the
// multiply-adds.
// Eight at most, because each has a pointer.
constexpr int kTileRows = kTileSums * kLanes / kKeyBlock < 8 ? kTileSums * kLanes / kKeyBlock : 8;

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
