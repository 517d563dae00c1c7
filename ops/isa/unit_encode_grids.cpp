// Compiled once per instruction set: encoders of the formats that have a grid.

#include "ops/encode/grid_formats.inl"
#include "ops/encode/unit.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

template <class Fm>
void encode_grid_row(const float* src, std::int64_t cols, const float* importance, std::byte* dst) noexcept {
  encode_row<Fm>(src, cols, importance, dst);
}

namespace {

// Naming a function is what has it compiled.
[[gnu::used]] constexpr auto kCompiled = Formats::map([]<class Fm>() -> EncodeFn {
  if constexpr (HasGrid<Fm>) return encode_grid_row<Fm>;
  return nullptr;
});

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
