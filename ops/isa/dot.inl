// Exact integer dot products of a group of weights with a group of activations, lane by lane, in the way each
// instruction set does them fastest. Weights come in quads: four neighbouring bytes of a row in each lane.
//
// A format states its weights' range: unsigned 0..kMax with kMax <= 127, of which kOffset is to be taken off,
// or signed -128..127 with kOffset 0. Activations are -127..127. The offset costs nothing per product: a sum
// starts at -kOffset times the sum of the group's activations. Those sums come in two halves (ActView::sums),
// because 16-bit lanes add products in two halves.
//
// Dot<Fm, kQuads> (x/) is the sum of one group: start(offset(...)), add() for each quad in turn, finish().
// `Fm` is the format. Weights pass through staged() when they are unpacked and prepare() when they are used.
#pragma once

#include <utility>

#include "ops/isa/lanes.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// f(0), f(1), ... f(n - 1) with constants. Loops that index an array of vectors must be unrolled
// before the compiler decides which arrays become registers, and its own unrolling comes after: four
// times slower, measured.
template <int n, class Function>
[[gnu::always_inline]] inline void repeat(const Function& f) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, i>{}), ...);
  }
  (std::make_integer_sequence<int, n>{});
}

// f(first, N) for `count` things in tiles of at most kMost, as alike in size as can be: where three are the
// most, four are two and two, because a tile of one costs nearly what one of two does.
template <int kMost, class Function>
inline void for_tiles(int count, const Function& f) {
  for (int first = 0; first < count;) {
    const int left = count - first, tiles = (left + kMost - 1) / kMost, wide = (left + tiles - 1) / tiles;
    repeat<kMost>([&](auto n) {
      if (wide == n + 1) f(first, std::integral_constant<int, n + 1>());
    });
    first += wide;
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
