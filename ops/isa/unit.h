// What the files of one kernel unit say to each other.
#pragma once

#include "ops/format.h"
#include "ops/matrix.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// Defined in unit_matmul_*.cpp: some files, because it takes most of a unit's compile time.
template <class Fm>
void matmul(const MatmulArgs& a) noexcept;

}  // namespace LONGHAND_UNIT
}  // namespace longhand
