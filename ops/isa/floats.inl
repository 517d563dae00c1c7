// Products of float weights with float activations. Weights of a row come one column at a time; or, where the
// processor multiplies bfloat16, two columns of a BF16 matrix at a time with activations rounded to
// bfloat16 too: twice the rate, and an error of the size the weights have already.
#pragma once

#include "ops/isa/dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Sums of floats end every kFloatBlock columns and are added up in order: so several can be under way at
// once, which hides the latency of the multiply-add.
constexpr int kFloatBlock = 256;

// Steps of kColumns columns. A Weights lane belongs to a row; Inputs are those of one token for up
// to `size` columns.
template <class Fm>
struct SingleSteps {
  static constexpr int kColumns = 1;
  using Weights = F;
  template <int size>
  struct Inputs {
    const float* x;  // (size)

    void read(const float* from, int) { x = from; }
    F at(int step) const { return F(x[step]); }
  };

  static Weights weights(Cursor c, int) { return Fm::value(c); }
  static F add(F sum, F w, F x) { return xsimd::fma(w, x, sum); }
};

template <class Fm, class Products>
struct PairSteps {
  static constexpr int kColumns = 2;
  using Weights = I;
  template <int size>
  struct Inputs {
    alignas(64) std::uint16_t x[size];

    void read(const float* from, int columns) {
      for (int k = 0; k < size; k += kLanes) {
        const int left = columns - k < 0 ? 0 : columns - k < kLanes ? columns - k : kLanes;
        Products::round(from + k, left, x + k);
      }
    }
    I at(int step) const { return broadcast_quad(reinterpret_cast<const std::int8_t*>(x + 2 * step)); }
  };

  // The last of an odd number of columns stands alone.
  static Weights weights(Cursor c, int columns) {
    const I first = c.short_word(0);
    if (columns < 2) return first;
    c.block += kPanelRows * sizeof(typename Fm::Block);
    return first | (c.short_word(0) << 16);
  }
  static F add(F sum, I w, I x) { return Products::add(sum, w, x); }
};

template <class Fm>
using FloatSteps = std::conditional_t<std::is_same_v<Fm, BF16> && Bf16Products::kExist,
                                      PairSteps<Fm, Bf16Products>, SingleSteps<Fm>>;

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
