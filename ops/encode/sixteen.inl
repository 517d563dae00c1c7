// Sixteen floats at once, whatever the width of the processor's registers: all arithmetic is lane by lane and
// nothing is fused, so that every instruction set computes the same bits.
#pragma once

#include <cstddef>
#include <limits>
#include <utility>
#include <xsimd/xsimd.hpp>

#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

struct Sixteen {
  using Part = xsimd::batch<float>;
  static constexpr std::size_t kParts = 16 / Part::size;
  using Indices = std::make_index_sequence<kParts>;

  Part part[kParts];

  /// op of the parts of every argument, part by part.
  template <class Op, class... Args>
  static Sixteen map(Op op, const Args&... args) {
    return map_parts(Indices(), op, args...);
  }
  static Sixteen of(float x) {
    return map([x](const Part&) { return Part(x); }, Sixteen{});
  }
  static Sixteen load(const float* p) { return load_parts(p, Indices()); }
  void store(float* p) const {
    for (std::size_t i = 0; i < kParts; ++i) part[i].store_unaligned(p + i * Part::size);
  }

 private:
  template <std::size_t p, class Op, class... Args>
  static Part one_part(Op op, const Args&... args) {
    return op(args.part[p]...);
  }
  template <std::size_t... p, class Op, class... Args>
  static Sixteen map_parts(std::index_sequence<p...>, Op op, const Args&... args) {
    return {{one_part<p>(op, args...)...}};
  }
  template <std::size_t... p>
  static Sixteen load_parts(const float* from, std::index_sequence<p...>) {
    return {{Part::load_unaligned(from + p * Part::size)...}};
  }
};

using Part = Sixteen::Part;

inline Sixteen operator+(const Sixteen& a, const Sixteen& b) {
  return Sixteen::map([](const Part& x, const Part& y) { return x + y; }, a, b);
}
inline Sixteen operator-(const Sixteen& a, const Sixteen& b) {
  return Sixteen::map([](const Part& x, const Part& y) { return x - y; }, a, b);
}
inline Sixteen operator*(const Sixteen& a, const Sixteen& b) {
  return Sixteen::map([](const Part& x, const Part& y) { return x * y; }, a, b);
}
/// The compiler's division of vectors: xsimd's is off by a bit on ARM.
inline Sixteen operator/(const Sixteen& a, const Sixteen& b) {
  return Sixteen::map([](const Part& x, const Part& y) { return Part(x.data / y.data); }, a, b);
}
/// The larger, and the smaller, lane by lane; b where a is NaN.
inline Sixteen larger(const Sixteen& a, const Sixteen& b) {
  return Sixteen::map([](const Part& x, const Part& y) { return xsimd::max(x, y); }, a, b);
}
inline Sixteen smaller(const Sixteen& a, const Sixteen& b) {
  return Sixteen::map([](const Part& x, const Part& y) { return xsimd::min(x, y); }, a, b);
}
inline Sixteen magnitude(const Sixteen& a) {
  return Sixteen::map([](const Part& x) { return xsimd::abs(x); }, a);
}
/// `yes` in the lanes where a > b, else `no`.
inline Sixteen where_greater(const Sixteen& a, const Sixteen& b, const Sixteen& yes, const Sixteen& no) {
  return Sixteen::map(
      [](const Part& x, const Part& y, const Part& s, const Part& t) { return xsimd::select(x > y, s, t); },
      a, b, yes, no);
}
/// a / b, but 0 where that is no number below 1e30: what is multiplied with it stays a number, and processors
/// do not agree about the larger of NaN and something else.
inline Sixteen quotient(const Sixteen& a, const Sixteen& b) {
  const Sixteen q = a / b;
  return where_greater(Sixteen::of(1e30f), magnitude(q), q, Sixteen::of(0));
}
/// The nearest whole number, of two the even one, of numbers below 2^22.
inline Sixteen rounded(const Sixteen& a) {
  if constexpr (Part::size > 4) {
    return Sixteen::map([](const Part& x) { return xsimd::nearbyint(x); }, a);
  } else {  // which has no instruction for it on every CPU; floats of this size have no digits after the
            // point
    const Sixteen shift = Sixteen::of(0x1.8p23f);
    return (a + shift) - shift;
  }
}

/// All lanes joined by op, halves first, so always in the same order.
template <class Op>
float joined(const Sixteen& a, Op op) {
  using Quad = xsimd::make_sized_batch_t<float, 4>;
  float lane[16];
  a.store(lane);
  const auto quad = [&](int i) { return Quad::load_unaligned(lane + 4 * i); };
  op(op(quad(0), quad(2)), op(quad(1), quad(3))).store_unaligned(lane);
  return op(op(lane[0], lane[2]), op(lane[1], lane[3]));
}
inline float sum_of(const Sixteen& a) {
  return joined(a, [](const auto& x, const auto& y) { return x + y; });
}
inline float largest_of(const Sixteen& a) {
  return joined(a, [](const auto& x, const auto& y) { return xsimd::max(x, y); });
}
inline float smallest_of(const Sixteen& a) {
  return joined(a, [](const auto& x, const auto& y) { return xsimd::min(x, y); });
}
inline float lane_of(const Sixteen& a, int i) {
  float lane[16];
  a.store(lane);
  return lane[i];
}

/// from + i step in lane i.
inline Sixteen steps(float from, float step) {
  float lane[16];
  for (int i = 0; i < 16; ++i) lane[i] = from + float(i) * step;
  return Sixteen::load(lane);
}

/// The first lane with the largest number; NaN is none.
inline int best_lane(const Sixteen& a) {
  const Sixteen least = Sixteen::of(std::numeric_limits<float>::lowest());
  const Sixteen numbers = where_greater(a, least, a, least);
  const Sixteen top = Sixteen::of(largest_of(numbers));
  return int(smallest_of(where_greater(top, numbers, Sixteen::of(15), steps(0, 1))));
}
/// Sixteen whole numbers as bytes; of each its lowest eight bits.
inline void store_bytes(const Sixteen& whole, std::uint8_t* to) {
  std::int32_t lane[16];
  for (std::size_t i = 0; i < Sixteen::kParts; ++i)
    xsimd::to_int(whole.part[i]).store_unaligned(lane + i * Part::size);
  for (int i = 0; i < 16; ++i) to[i] = std::uint8_t(lane[i]);
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
