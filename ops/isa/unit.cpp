// Compiled once per instruction set (see ops/CMakeLists.txt); exports one table of kernels.

#include "ops/isa/unit.h"
#include "ops/isa/attend/attend_keys.inl"
#include "ops/isa/attend/attend_values.inl"
#include "ops/isa/attend/packed_cache.inl"
#include "ops/isa/elementwise.inl"
#include "ops/isa/quantize.inl"
#include "ops/isa/recurrent.inl"
#include "ops/isa/scan.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// The kernels of a cache that C reads and writes.
template <class C>
constexpr void set_cache(Kernels& k, CacheFormat format) {
  const int i = int(format);
  k.store_key[i] = store_key<C>;
  k.store_value[i] = store_value<C>;
  k.attend_keys[i] = attend_keys<C>;
  k.attend_values[i] = attend_values<C>;
}

// Those of a cache of blocks of the tensor format Fm.
template <class Fm>
constexpr void set_packed_cache(Kernels& k, CacheFormat format) {
  const int i = int(format);
  k.store_key[i] = store_packed_key<Fm>;
  k.store_value[i] = store_packed_value<Fm>;
  k.attend_keys[i] = attend_packed_keys<Fm>;
  k.attend_values[i] = attend_packed_values<Fm>;
}

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
  k.round_bf16 = Bf16Products::round;
  k.rms_norm = rms_norm;
  k.layer_norm = layer_norm;
  k.add = add;
  k.add_scaled = add_scaled;
  k.scale = scale;
  k.softcap = softcap;
  k.activate = activate;
  k.xielu = xielu;
  k.softmax = softmax;
  k.rotate = rotate;
  k.convolve = convolve;
  k.delta_rule = delta_rule;
  k.dplr_rule = dplr_rule;
  k.selective_scan = selective_scan;
  set_cache<CacheF32>(k, CacheFormat::f32);
  set_cache<CacheF16>(k, CacheFormat::f16);
  set_cache<CacheQ8>(k, CacheFormat::q8_0);
  set_cache<CacheBf16>(k, CacheFormat::bf16);
  set_packed_cache<Q4_0>(k, CacheFormat::q4_0);
  set_packed_cache<Q4_1>(k, CacheFormat::q4_1);
  set_packed_cache<Q5_0>(k, CacheFormat::q5_0);
  set_packed_cache<Q5_1>(k, CacheFormat::q5_1);
  set_packed_cache<IQ4_NL>(k, CacheFormat::iq4_nl);
  k.merge_partials = merge_partials;
  return k;
}();

}  // namespace longhand
