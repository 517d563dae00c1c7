// What the files of one kernel unit say to each other.
#pragma once

#include "ops/format.h"
#include "ops/kernels.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

/// By FormatId. In a file of its own, because it takes most of a unit's compile time.
extern const PerFormat<MatmulFn, std::size_t(kFormatCount)> kMatmul;

}  // namespace LONGHAND_UNIT
}  // namespace longhand
