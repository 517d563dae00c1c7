// Compiled once per instruction set: matrix products with weights of superblocks, but for those of grids and
// tables.

#include "ops/isa/strips.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Naming a function is what has it compiled.
[[gnu::used]] constexpr auto kCompiled = Formats::map([]<class Fm>() -> MatmulFn {
  if constexpr (kIsSuper<Fm> && !kIsGrid<Fm> && !kIsTable<Fm>) return matmul<Fm>;
  return nullptr;
});

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
