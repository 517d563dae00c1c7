// Sixteen floats at once, whatever the width of the processor's registers: all arithmetic is lane by lane and
// nothing is fused, so that every instruction set computes the same bits.
#pragma once

#include <cstddef>
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
inline Sixteen operator/(const Sixteen& a, const Sixteen& b) {
  return Sixteen::map([](const Part& x, const Part& y) { return x / y; }, a, b);
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
/// The nearest whole number, of two the even one, of numbers below 2^22.
inline Sixteen rounded(const Sixteen& a) {
  const Sixteen shift = Sixteen::of(0x1.8p23f);  // floats of this size have no digits after the point
  return (a + shift) - shift;
}

/// The sum of all lanes, always in the same order.
inline float sum_of(const Sixteen& a) {
  float lane[16];
  a.store(lane);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}
/// The first lane with the largest number; NaN is never it, unless all are.
inline int best_lane(const Sixteen& a) {
  float lane[16];
  a.store(lane);
  int best = 0;
  for (int i = 1; i < 16; ++i) {
    if (lane[i] > lane[best] || lane[best] != lane[best]) best = i;
  }
  return best;
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

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
