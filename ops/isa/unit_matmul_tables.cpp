// Compiled once per instruction set: matrix products with superblocks of table entries.

#include "ops/isa/strips.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Naming a function is what has it compiled.
[[gnu::used]] constexpr auto kCompiled = Formats::map([]<class Fm>() -> MatmulFn {
  if constexpr (kIsTable<Fm>) return matmul<Fm>;
  return nullptr;
});

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
