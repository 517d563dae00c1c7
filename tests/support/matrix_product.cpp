#include "tests/support/matrix_product.h"

#include <bit>
#include <string_view>

#include "ops/panels.h"

namespace longhand::test {

float nearest_bfloat(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
}

RoundedActivations::RoundedActivations(const Kernels& kernels, FormatId format, int tokens,
                                       std::span<const float> values)
    : f32(values.begin(), values.end()), cols_(int(values.size()) / tokens) {
  const Activation kind = format_info(format).activation;
  if (is_float(kind)) {
    if (kind == Activation::f32 || kernels.round_bf16 == nullptr) return;
    bf16.resize(std::size_t(tokens) * bf16_stride());
    for (int t = 0; t < tokens; ++t)
      kernels.round_bf16(f32.data() + t * cols_, cols_, bf16.data() + std::size_t(t) * bf16_stride());
    return;
  }
  block = kind == Activation::q8_256 ? 256 : 32;
  q8.resize(f32.size());
  scale.resize(f32.size() / std::size_t(block));
  sums.resize(f32.size() / 16);
  sums32.resize(f32.size() / 32);
  for (int t = 0; t < tokens; ++t) {
    const int first = t * cols_;
    kernels.quantize(f32.data() + first, cols_, block,
                     {q8.data() + first, scale.data() + first / block, sums.data() + first / 16,
                      sums32.data() + first / 32});
  }
}

ActView RoundedActivations::view() const {
  ActView x{.f32 = f32.data(), .f32_stride = cols_};
  if (!bf16.empty()) {
    x.bf16 = bf16.data();
    x.bf16_stride = std::int64_t(bf16_stride());
  }
  if (q8.empty()) return x;
  x.q8 = q8.data();
  x.scale = scale.data();
  x.sums = sums.data();
  x.sums32 = sums32.data();
  x.q8_stride = cols_;
  x.scale_stride = cols_ / block;
  x.sums_stride = cols_ / 16;
  x.sums32_stride = cols_ / 32;
  return x;
}

double RoundedActivations::at(std::size_t i) const {
  if (q8.empty()) return double(!bf16.empty() ? nearest_bfloat(f32[i]) : f32[i]);
  return double(q8[i]) * double(scale[i / std::size_t(block)]);
}

ActView from_token(ActView x, int t) {
  x.f32 += t * x.f32_stride;
  if (x.bf16 != nullptr) x.bf16 += t * x.bf16_stride;
  if (x.q8 != nullptr) {
    x.q8 += t * x.q8_stride;
    x.scale += t * x.scale_stride;
    x.sums += t * x.sums_stride;
    x.sums32 += t * x.sums32_stride;
  }
  return x;
}

std::vector<float> product_of(const Kernels& kernels, const MatView& weights, const ActView& x, int tokens) {
  const auto rows = int(weights.rows), cols = int(weights.cols);
  const std::size_t stride = panel_bytes(weights.format, cols);
  Guarded<std::byte> panels(panels_bytes(weights.format, rows, cols));
  for (int p = 0; p < panel_count(rows); ++p)
    interleave_panel(weights, p, panels.data() + std::size_t(p) * stride);
  Guarded<float> out(std::size_t(tokens) * std::size_t(rows), -1);
  MatmulArgs a;
  a.panels = panels.data();
  a.panel_bytes = std::int64_t(stride);
  a.rows = rows;
  a.cols = cols;
  a.panel_end = panel_count(rows);
  a.x = x;
  a.tokens = tokens;
  a.out = out.data();
  a.out_stride = rows;
  kernels.matmul[weights.format](a);
  return {out.begin(), out.end()};
}

}  // namespace longhand::test
