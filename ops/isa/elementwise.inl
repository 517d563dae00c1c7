// Norms, activations, soft-caps, rotary embedding and the rounding of activations.
#pragma once

#include <cmath>

#include "ops/isa/lanes.inl"
#include "ops/kernels.h"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// The last, partial vector of an array of n, padded with zeros; and its way back.
inline F load_tail(const float* p, int n) {
  float y[kLanes] = {};
  std::memcpy(y, p, sizeof(float) * std::size_t(n));
  return load(y);
}
inline void store_tail(F x, float* p, int n) {
  float y[kLanes];
  x.store_unaligned(y);
  std::memcpy(p, y, sizeof(float) * std::size_t(n));
}

// out[i] = f(a[i], b[i]) with whole vectors.
template <class Function>
inline void map2(const float* a, const float* b, float* out, int n, const Function& f) {
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) f(load(a + i), load(b + i)).store_unaligned(out + i);
  if (i < n) store_tail(f(load_tail(a + i, n - i), load_tail(b + i, n - i)), out + i, n - i);
}
template <class Function>
inline void map1(const float* a, float* out, int n, const Function& f) {
  map2(a, a, out, n, [&](F x, F) { return f(x); });
}

// Sum of f(x) over n values; f(0) must be 0.
template <class Function>
inline float reduce(const float* x, int n, const Function& f) {
  F sum0(0.0f), sum1(0.0f);
  int i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    sum0 += f(load(x + i));
    sum1 += f(load(x + i + kLanes));
  }
  for (; i < n; i += kLanes) sum0 += f(n - i >= kLanes ? load(x + i) : load_tail(x + i, n - i));
  return xsimd::hadd(sum0 + sum1);
}

void rms_norm(const float* x, const float* weight, float eps, std::int32_t n, float* out) noexcept {
  const float mean = reduce(x, n, [](F v) { return v * v; }) / float(n);
  const F scale(1.0f / std::sqrt(mean + eps));
  if (weight == nullptr) {
    map1(x, out, n, [&](F v) { return v * scale; });
  } else {
    map2(x, weight, out, n, [&](F v, F w) { return v * scale * w; });
  }
}

void layer_norm(const float* x, const float* weight, const float* bias, float eps, std::int32_t n,
                float* out) noexcept {
  const F mean(reduce(x, n, [](F v) { return v; }) / float(n));
  map1(x, out, n, [&](F v) { return v - mean; });
  const float variance = reduce(out, n, [](F v) { return v * v; }) / float(n);
  const F scale(1.0f / std::sqrt(variance + eps));
  map1(out, out, n, [&](F v) { return v * scale; });
  if (weight != nullptr) map2(out, weight, out, n, [](F v, F w) { return v * w; });
  if (bias != nullptr) map2(out, bias, out, n, [](F v, F b) { return v + b; });
}

void add(float* x, const float* y, std::int32_t n) noexcept {
  map2(x, y, x, n, [](F a, F b) { return a + b; });
}

void add_scaled(float* x, const float* y, float factor, std::int32_t n) noexcept {
  const F s(factor);
  map2(x, y, x, n, [&](F a, F b) { return multiply_add(b, s, a); });
}

void scale(float* x, float factor, std::int32_t n) noexcept {
  const F s(factor);
  map1(x, x, n, [&](F a) { return a * s; });
}

void softcap(float* x, float cap, std::int32_t n) noexcept {
  const F c(cap), inverse(1.0f / cap);
  map1(x, x, n, [&](F a) { return c * xsimd::tanh(a * inverse); });
}

inline F sigmoid(F x) { return F(1.0f) / (F(1.0f) + xsimd::exp(-x)); }

struct Silu {
  F operator()(F x) const { return x * sigmoid(x); }
};
// The tanh form; 0.5 (1 + tanh u) = sigmoid(2u).
struct Gelu {
  F operator()(F x) const { return x * sigmoid(F(2 * 0.797884560802865f) * (x + F(0.044715f) * x * x * x)); }
};
struct Relu {
  F operator()(F x) const { return xsimd::max(x, F(0.0f)); }
};
struct GeluErf {
  F operator()(F x) const { return F(0.5f) * x * (F(1.0f) + xsimd::erf(x * F(0.70710678118655f))); }
};
struct ReluSquared {
  F operator()(F x) const {
    const F r = xsimd::max(x, F(0.0f));
    return r * r;
  }
};

struct SwigluOai {
  F operator()(F gate, F up) const {
    const F limit(7.0f), g = xsimd::min(gate, limit), u = xsimd::max(-limit, xsimd::min(up, limit));
    return g * sigmoid(F(1.702f) * g) * (u + F(1.0f));
  }
};

struct Sigmoid {
  F operator()(F x) const { return sigmoid(x); }
};
// max(x, 0) + ln(1 + e^-|x|) does not overflow.
struct Softplus {
  F operator()(F x) const { return xsimd::max(x, F(0.0f)) + xsimd::log1p(xsimd::exp(-xsimd::abs(x))); }
};
struct Tanh {
  F operator()(F x) const { return xsimd::tanh(x); }
};
struct Exp {
  F operator()(F x) const { return xsimd::exp(x); }
};

template <class Function>
void activate_with(const float* gate, const float* up, int n, float* out) {
  const Function f;
  if constexpr (requires(F x) { f(x, x); }) {
    map2(gate, up, out, n, f);
  } else if (up == nullptr) {
    map1(gate, out, n, [&](F g) { return f(g); });
  } else {
    map2(gate, up, out, n, [&](F g, F u) { return f(g) * u; });
  }
}

void activate(Activate act, const float* gate, const float* up, std::int32_t n, float* out) noexcept {
  using Fn = void (*)(const float*, const float*, int, float*);
  static constexpr Fn kByActivate[] = {
      activate_with<Silu>, activate_with<Gelu>,      activate_with<GeluErf>, activate_with<ReluSquared>,
      activate_with<Relu>, activate_with<SwigluOai>, activate_with<Sigmoid>, activate_with<Softplus>,
      activate_with<Tanh>, activate_with<Exp>};
  static_assert(sizeof kByActivate / sizeof(Fn) == int(Activate::exp) + 1);
  kByActivate[int(act)](gate, up, n, out);
}

void xielu(const Xielu& f, const float* x, std::int32_t n, float* out) noexcept {
  const F positive(f.positive), negative(f.negative), linear(f.linear), least(f.least), zero(0.0f);
  map1(x, out, n, [&](F v) {
    const F below = negative * (xsimd::expm1(xsimd::min(v, least)) - v);
    return xsimd::select(v > zero, positive * v * v, below) + linear * v;
  });
}

void softmax(float* x, std::int32_t n) noexcept {
  float top = x[0];
  for (int i = 1; i < n; ++i) top = x[i] > top ? x[i] : top;
  float sum = 0;
  for (int i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - top);
  for (int i = 0; i < n; ++i) x[i] /= sum;
}

void rotate(const RotateArgs& a) noexcept {
  const int half = a.rot / 2;
  if (a.halves) {
    float *x = a.x, *y = a.x + half;
    int i = 0;
    for (; i + kLanes <= half; i += kLanes) {
      const F c = load(a.cos + i), s = load(a.sin + i), u = load(x + i), v = load(y + i);
      (u * c - v * s).store_unaligned(x + i);
      (u * s + v * c).store_unaligned(y + i);
    }
    for (; i < half; ++i) {
      const float u = x[i], v = y[i];
      x[i] = u * a.cos[i] - v * a.sin[i];
      y[i] = u * a.sin[i] + v * a.cos[i];
    }
  } else {
    for (int i = 0; i < half; ++i) {
      const float u = a.x[2 * i], v = a.x[2 * i + 1];
      a.x[2 * i] = u * a.cos[i] - v * a.sin[i];
      a.x[2 * i + 1] = u * a.sin[i] + v * a.cos[i];
    }
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
