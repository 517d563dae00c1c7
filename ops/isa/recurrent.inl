// Causal convolutions and the delta rule.
#pragma once

#include "ops/isa/elementwise.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// A vector of channels at a time, the taps of each added in order.
inline F conv_at(const ConvArgs& a, int i, int n) {
  const auto from = [&](const float* p) { return n == kLanes ? load(p + i) : load_tail(p + i, n); };
  F sum = a.bias == nullptr ? F(0.0f) : from(a.bias);
  for (int j = 0; j < a.width; ++j)
    sum = multiply_add(from(a.in[j]), from(a.weight + std::int64_t{j} * a.weight_stride), sum);
  return a.silu ? Silu()(sum) : sum;
}

void convolve(const ConvArgs& a) noexcept {
  int i = 0;
  for (; i + kLanes <= a.n; i += kLanes) conv_at(a, i, kLanes).store_unaligned(a.out + i);
  if (i < a.n) store_tail(conv_at(a, i, a.n - i), a.out + i, a.n - i);
}

// One token's turn on kLanes columns of the state: every column is a recurrence of its own, so a few of them
// stay in the first cache level while all tokens pass. Four sums hide the latency of an addition.
inline F delta_step(const DeltaArgs& a, const DeltaToken& t, F value, float* state) {
  constexpr int kSums = 4;
  F sums[kSums] = {F(0.0f), F(0.0f), F(0.0f), F(0.0f)};
  const std::int64_t stride = a.state_stride;
  int i = 0;
  for (; i + kSums <= a.key_dim; i += kSums) {
    for (int s = 0; s < kSums; ++s)
      sums[s] = multiply_add(F(t.key[i + s]), load(state + (i + s) * stride), sums[s]);
  }
  for (; i < a.key_dim; ++i) sums[0] = multiply_add(F(t.key[i]), load(state + i * stride), sums[0]);
  const F decay(t.decay);
  const F delta = (value - decay * ((sums[0] + sums[1]) + (sums[2] + sums[3]))) * F(t.beta);
  F out[kSums] = {F(0.0f), F(0.0f), F(0.0f), F(0.0f)};
  const auto update = [&](int row, F& sum) {
    const F m = multiply_add(F(t.key[row]), delta, load(state + row * stride) * decay);
    m.store_unaligned(state + row * stride);
    sum = multiply_add(m, F(t.query[row]), sum);
  };
  for (i = 0; i + kSums <= a.key_dim; i += kSums) {
    for (int s = 0; s < kSums; ++s) update(i + s, out[s]);
  }
  for (; i < a.key_dim; ++i) update(i, out[0]);
  return ((out[0] + out[1]) + (out[2] + out[3])) * F(a.scale);
}

void delta_rule(const DeltaArgs& a) noexcept {
  for (int col = 0; col < a.value_dim; col += kLanes) {
    const int n = a.value_dim - col < kLanes ? a.value_dim - col : kLanes;
    for (int i = 0; i < a.tokens; ++i) {
      const DeltaToken& t = a.token[i];
      const float* value = t.value + col;
      const F out = delta_step(a, t, n == kLanes ? load(value) : load_tail(value, n), a.state + col);
      if (n == kLanes) {
        out.store_unaligned(t.out + col);
      } else {
        store_tail(out, t.out + col, n);
      }
    }
  }
}

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
