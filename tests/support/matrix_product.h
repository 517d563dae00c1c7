// Matrix products as the engine has them computed, on memory that ends where no one may read on.
#pragma once

#include <span>
#include <vector>

#include "ops/format.h"
#include "ops/kernels.h"
#include "tests/support/guarded.h"

namespace longhand::test {

/// Activations of `tokens` tokens, (tokens, cols), rounded by `kernels` as products with `format` want them.
class RoundedActivations {
 public:
  RoundedActivations(const Kernels& kernels, FormatId format, int tokens, std::span<const float> values);

  ActView view() const;
  /// What products take value `i` for. bfloat16 counts as such where `kernels` multiplies it.
  double at(std::size_t i) const;
  /// What a byte of value `i` counts: rounding changes it by half of that.
  double step(std::size_t i) const { return double(scale[i / std::size_t(block)]); }

  int block = 1;  // values of one scale
  Guarded<float> f32, scale;
  Guarded<std::uint16_t> bf16;
  Guarded<std::int8_t> q8;
  Guarded<std::int32_t> sums;
  Guarded<std::int16_t> sums32;

 private:
  // Columns come in pairs.
  std::size_t bf16_stride() const { return std::size_t(cols_ + cols_ % 2); }

  int cols_;
};

/// Rounded to the nearest bfloat16, ties to even.
float nearest_bfloat(float x);

/// The same activations from token `t` on.
ActView from_token(ActView x, int t);

/// (tokens, rows): the product of rows of weights, interleaved as the engine does, and activations.
std::vector<float> product_of(const Kernels& kernels, const MatView& weights, const ActView& x, int tokens);

}  // namespace longhand::test
