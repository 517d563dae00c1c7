// Compiled once per instruction set: matrix products of every tensor format.

#include "ops/isa/matmul.inl"
#include "ops/isa/unit.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

constinit const PerFormat<MatmulFn, std::size_t(kFormatCount)> kMatmul =
    Formats::map([]<class Fm>() -> MatmulFn { return matmul<Fm>; });

}  // namespace LONGHAND_UNIT
}  // namespace longhand
