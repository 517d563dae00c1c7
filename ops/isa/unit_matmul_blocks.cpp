// Compiled once per instruction set: matrix products with weights of blocks of runs of 32.

#include "ops/isa/strips.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Naming a function is what has it compiled.
[[gnu::used]] constexpr auto kCompiled = Formats::map([]<class Fm>() -> MatmulFn {
  if constexpr (!kIsFloat<Fm> && !kIsSuper<Fm>) return matmul<Fm>;
  return nullptr;
});

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
