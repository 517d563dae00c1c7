#include "engine/activations.h"

namespace longhand {
namespace {

constexpr ActKinds bit(Activation kind) { return 1u << unsigned(kind); }

}  // namespace

ActKinds kinds_of(std::initializer_list<const Linear*> weights) noexcept {
  ActKinds kinds = 0;
  for (const Linear* l : weights) {
    if (!l->empty()) kinds |= bit(format_info(l->weight.format).activation);
  }
  return kinds;
}

// An odd number of groups: rows a power of two apart would share a few lines of every cache, and kernels read
// the same columns of many rows.
Activations::Activations(std::int64_t rows, std::int64_t cols)
    : cols_(((cols + kGroup - 1) / kGroup | 1) * kGroup) {
  const auto n = std::size_t(rows) * std::size_t(cols_);
  f32_ = Buffer(n * sizeof(float));
  for (Rounded* r : {&q32_, &q256_}) {
    r->q8 = Buffer(n);
    r->scale = Buffer(n / 32 * sizeof(float));
    r->sums = Buffer(n / 16 * sizeof(std::int32_t));
    r->sums32 = Buffer(n / 32 * sizeof(std::int16_t));
  }
}

void Activations::round(const Kernels& k, std::int64_t r, Range cols, ActKinds kinds) const noexcept {
  const std::int64_t first = r * cols_, at = first + cols.begin;
  for (const Activation kind : {Activation::q8_32, Activation::q8_256}) {
    if ((kinds & bit(kind)) == 0) continue;
    const Rounded& to = rounded(kind);
    const std::int32_t block = kind == Activation::q8_32 ? 32 : 256;
    // A row has room for a scale every 32 columns, but its scales stand side by side.
    float* scale = to.scale.as<float>() + first / 32 + cols.begin / block;
    k.quantize(f32_.as<float>() + at, std::int32_t(cols.end - cols.begin), block,
               {to.q8.as<std::int8_t>() + at, scale, to.sums.as<std::int32_t>() + at / 16,
                to.sums32.as<std::int16_t>() + at / 32});
  }
}

ActView Activations::view(FormatId format, std::int64_t first) const noexcept {
  ActView v;
  v.f32 = row(first);
  v.f32_stride = cols_;
  const Activation kind = format_info(format).activation;
  if (kind == Activation::f32) return v;
  const Rounded& from = rounded(kind);
  v.q8 = from.q8.as<std::int8_t>() + first * cols_;
  v.scale = from.scale.as<float>() + first * cols_ / 32;
  v.sums = from.sums.as<std::int32_t>() + first * cols_ / 16;
  v.sums32 = from.sums32.as<std::int16_t>() + first * cols_ / 32;
  v.q8_stride = cols_;
  v.scale_stride = cols_ / 32;
  v.sums_stride = cols_ / 16;
  v.sums32_stride = cols_ / 32;
  return v;
}

std::size_t Activations::bytes() const noexcept {
  std::size_t sum = f32_.size();
  for (const Rounded* r : {&q32_, &q256_})
    sum += r->q8.size() + r->scale.size() + r->sums.size() + r->sums32.size();
  return sum;
}

}  // namespace longhand
