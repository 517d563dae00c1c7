// Recurrences whose states decay channel by channel.
#pragma once

#include "ops/isa/elementwise.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

constexpr int kStateSums = 4;  // hide the latency of an addition

// f(row, sum) for rows 0 .. n - 1, whose sums are added up in one order.
template <class Function>
inline F sum_rows(int n, const Function& f) {
  F sums[kStateSums] = {F(0.0f), F(0.0f), F(0.0f), F(0.0f)};
  int i = 0;
  for (; i + kStateSums <= n; i += kStateSums) {
    for (int s = 0; s < kStateSums; ++s) f(i + s, sums[s]);
  }
  for (; i < n; ++i) f(i, sums[0]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// One token's turn on kLanes columns of the state: every column is a recurrence of its own.
template <bool erases, bool asks_before>
inline F dplr_step(const DplrArgs& a, const DplrToken& t, F value, float* state) {
  const std::int64_t stride = a.state_stride;
  F seen(0.0f);
  if constexpr (erases)
    seen = sum_rows(a.key_dim, [&](int row, F& sum) {
      sum = multiply_add(F(t.read[row]), load(state + row * stride), sum);
    });
  const F added = value * F(t.weight);
  const F out = sum_rows(a.key_dim, [&](int row, F& sum) {
    const F old = load(state + row * stride);
    F m = multiply_add(F(t.key[row]), added, old * F(t.decay[row * a.decay_step]));
    if constexpr (erases) m = multiply_add(F(t.erase[row]), seen, m);
    m.store_unaligned(state + row * stride);
    sum = multiply_add(asks_before ? old : m, F(t.query[row]), sum);
  });
  return out * F(a.scale);
}

template <bool erases, bool asks_before>
void dplr_with(const DplrArgs& a) {
  for (int col = 0; col < a.value_dim; col += kLanes) {
    const int n = a.value_dim - col < kLanes ? a.value_dim - col : kLanes;
    for (int i = 0; i < a.tokens; ++i) {
      const DplrToken& t = a.token[i];
      const float* value = t.value + col;
      const F out = dplr_step<erases, asks_before>(a, t, n == kLanes ? load(value) : load_tail(value, n),
                                                   a.state + col);
      if (n == kLanes) {
        out.store_unaligned(t.out + col);
      } else {
        store_tail(out, t.out + col, n);
      }
    }
  }
}

void dplr_rule(const DplrArgs& a) noexcept {
  using Fn = void (*)(const DplrArgs&);
  static constexpr Fn kForms[2][2] = {{dplr_with<false, false>, dplr_with<false, true>},
                                      {dplr_with<true, false>, dplr_with<true, true>}};
  kForms[int(a.erases)][int(a.asks_before)](a);
}

// One token's turn on n channels from `at` on, at most kLanes.
inline void scan_step(const ScanArgs& a, const ScanToken& t, int at, int n) {
  const auto from = [&](const float* p) { return n == kLanes ? load(p + at) : load_tail(p + at, n); };
  const F x = from(t.x), dt = from(t.dt), added = dt * x;
  F sum = from(a.d) * x;
  for (int s = 0; s < a.state_size; ++s) {
    float* state = a.state + s * a.state_stride + at;
    const F m = multiply_add(F(t.b[s]), added, load(state) * xsimd::exp(dt * from(a.a + s * a.a_stride)));
    m.store_unaligned(state);
    sum = multiply_add(m, F(t.c[s]), sum);
  }
  if (n == kLanes) {
    sum.store_unaligned(t.out + at);
  } else {
    store_tail(sum, t.out + at, n);
  }
}

// Channels are recurrences of their own, so a few of them stay in the first cache level while all tokens
// pass.
void selective_scan(const ScanArgs& a) noexcept {
  for (int at = 0; at < a.n; at += kLanes) {
    for (int i = 0; i < a.tokens; ++i) scan_step(a, a.token[i], at, a.n - at < kLanes ? a.n - at : kLanes);
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
