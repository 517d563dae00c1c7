// Compiled once per instruction set (see ops/CMakeLists.txt); exports one table of kernels.

#include "ops/isa/unit.h"
#include "ops/isa/attend.inl"
#include "ops/isa/elementwise.inl"
#include "ops/isa/quantize.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

constinit const auto kMatmul = Formats::map([]<class Fm>() -> MatmulFn { return matmul<Fm>; });

}  // namespace
}  // namespace LONGHAND_UNIT

#define LONGHAND_NAME(prefix, unit) LONGHAND_JOIN(prefix, unit)
#define LONGHAND_JOIN(prefix, unit) prefix##unit
#define LONGHAND_TEXT(unit) LONGHAND_QUOTE(unit)
#define LONGHAND_QUOTE(unit) #unit

extern const Kernels LONGHAND_NAME(kernels_, LONGHAND_UNIT);
// A constant, so that nothing built for one CPU runs at start-up on another.
constinit const Kernels LONGHAND_NAME(kernels_, LONGHAND_UNIT) = [] {
  Kernels k{};
  k.isa = Isa::LONGHAND_UNIT;
  k.name = LONGHAND_TEXT(LONGHAND_UNIT);
  k.matmul = kMatmul.items;
  k.quantize = quantize;
  k.rms_norm = rms_norm;
  k.layer_norm = layer_norm;
  k.add = add;
  k.add_scaled = add_scaled;
  k.scale = scale;
  k.softcap = softcap;
  k.activate = activate;
  k.softmax = softmax;
  k.rotate = rotate;
  k.store_key[0] = store_key<CacheF32>;
  k.store_key[1] = store_key<CacheF16>;
  k.store_key[2] = store_key_q8;
  k.store_value[0] = store_value<CacheF32>;
  k.store_value[1] = store_value<CacheF16>;
  k.store_value[2] = store_value_q8;
  k.attend_keys[0] = attend_keys<CacheF32>;
  k.attend_keys[1] = attend_keys<CacheF16>;
  k.attend_keys[2] = attend_keys<CacheQ8>;
  k.attend_values[0] = attend_values<CacheF32>;
  k.attend_values[1] = attend_values<CacheF16>;
  k.attend_values[2] = attend_values<CacheQ8>;
  k.merge_partials = merge_partials;
  return k;
}();

}  // namespace longhand
