// Compiled once per instruction set: encoders of the formats without a grid, and the table of all.

#include "ops/encode/float4.inl"
#include "ops/encode/one_scale.inl"
#include "ops/encode/plain.inl"
#include "ops/encode/scale_and_minimum.inl"
#include "ops/encode/super_minima.inl"
#include "ops/encode/super_scales.inl"
#include "ops/encode/unit.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

template <class Fm>
concept HasEncoder = requires {
  sizeof(Encoder<Fm>);
};

constinit const auto kEncode = Formats::map([]<class Fm>() -> EncodeFn {
  if constexpr (HasGrid<Fm>) {
    return encode_grid_row<Fm>;
  } else if constexpr (HasEncoder<Fm>) {
    return encode_row<Fm>;
  } else {
    return nullptr;
  }
});

}  // namespace
}  // namespace LONGHAND_UNIT

#define LONGHAND_NAME(prefix, unit) LONGHAND_JOIN(prefix, unit)
#define LONGHAND_JOIN(prefix, unit) prefix##unit

extern const Encoders LONGHAND_NAME(encoders_, LONGHAND_UNIT);
constinit const Encoders LONGHAND_NAME(encoders_, LONGHAND_UNIT) = {Isa::LONGHAND_UNIT, kEncode.items};

}  // namespace longhand
