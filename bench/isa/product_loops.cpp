// Compiled once per instruction set, as kernels are.
#include "bench/product_loops.h"
#include "ops/isa/stage.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

constexpr int kSteps = 8;  // a round

// Each round reads its operands anew, so that no product can be left out.
template <class T>
T read_again(const std::int32_t (&words)[16]) {
  const void* p = words;
  asm volatile("" : "+r"(p) : : "memory");
  if constexpr (std::is_same_v<T, I>) {
    return load_words(p);
  } else {
    return as_float(load_words(p));
  }
}
template <class Sums>
void keep(const Sums& sums) {
  asm volatile("" : : "r"(&sums) : "memory");
}

template <class Fm>
struct Loop {
  static constexpr bool kFloats = kIsFloat<Fm>;
  static constexpr int kSums = kTileVectors * (kFloats ? kFloatTokens : kTileTokens);

  static void run(std::int32_t rounds) noexcept {
    static const std::int32_t weights[16] = {}, activations[16] = {};
    if constexpr (kFloats) {
      using Steps = FloatSteps<Fm>;
      F sum[kSums];
      repeat<kSums>([&](auto n) { sum[n] = F(float(n)); });
      for (std::int32_t i = 0; i < rounds; ++i) {
        const auto w = read_again<typename Steps::Weights>(weights);
        const auto x = read_again<typename Steps::Weights>(activations);
        repeat<kSteps>([&](auto) __attribute__((always_inline)) {
          repeat<kSums>([&](auto n) __attribute__((always_inline)) { sum[n] = Steps::add(sum[n], w, x); });
        });
      }
      keep(sum);
    } else {
      DotOf<Fm> dot[kSums];
      I total[kSums];
      repeat<kSums>([&](auto n) {
        dot[n].start(I(n));
        total[n] = I(n);
      });
      const I scale = DotOf<Fm>::unit();
      for (std::int32_t i = 0; i < rounds; ++i) {
        const auto w = DotOf<Fm>::prepare(read_again<I>(weights));
        const I a = read_again<I>(activations);
        repeat<kSteps>([&](auto) __attribute__((always_inline)) {
          repeat<kSums>([&](auto n) __attribute__((always_inline)) { dot[n].add(w, a, 1, scale, total[n]); });
        });
      }
      keep(dot);
      keep(total);
    }
  }
  static constexpr std::int32_t products() {
    int each = 4;
    if constexpr (kFloats) each = FloatSteps<Fm>::kColumns;
    return each * kLanes * kSums * kSteps;
  }
};

constinit const auto kLoops = Formats::map([]<class Fm>() -> ProductLoop {
  return {Loop<Fm>::run, Loop<Fm>::products()};
});

}  // namespace
}  // namespace LONGHAND_UNIT

#define LONGHAND_NAME(prefix, unit) LONGHAND_JOIN(prefix, unit)
#define LONGHAND_JOIN(prefix, unit) prefix##unit

extern const ProductLoop* const LONGHAND_NAME(product_loops_, LONGHAND_UNIT);
constinit const ProductLoop* const LONGHAND_NAME(product_loops_, LONGHAND_UNIT) = kLoops.items;

}  // namespace longhand
