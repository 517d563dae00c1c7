// What the files of one unit of encoders say to each other.
#pragma once

#include "ops/encode/encoders.h"
#include "ops/format.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

template <class Fm>
concept HasGrid = requires {
  Fm::kGrid;
};

/// Defined in ops/isa/unit_encode_grids.cpp.
template <class Fm>
void encode_grid_row(const float* src, std::int64_t cols, const float* importance, std::byte* dst) noexcept;

}  // namespace LONGHAND_UNIT
}  // namespace longhand
