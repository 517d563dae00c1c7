#include "engine/forward/activations.h"

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
Activations::Activations(Carver& carver, std::int64_t rows, std::int64_t cols) noexcept
    : cols_(((cols + kGroup - 1) / kGroup | 1) * kGroup) {
  const std::int64_t n = rows * cols_;
  f32_ = carver.take<float>(n);
  bf16_ = carver.take<std::uint16_t>(n);
  for (Rounded* r : {&q32_, &q256_}) {
    r->q8 = carver.take<std::int8_t>(n);
    r->scale = carver.take<float>(n / 32);
    r->sums = carver.take<std::int32_t>(n / 16);
    r->sums32 = carver.take<std::int16_t>(n / 32);
  }
}

OwnActivations::OwnActivations(std::int64_t rows, std::int64_t cols) {
  Carver counting;
  Activations(counting, rows, cols);
  buffer_ = Buffer(counting.used());
  Carver carver(buffer_.data());
  Activations::operator=(Activations(carver, rows, cols));
}

void Activations::round(const Kernels& k, std::int64_t r, Range cols, ActKinds kinds) const noexcept {
  const std::int64_t first = r * cols_, at = first + cols.begin;
  if ((kinds & bit(Activation::bf16)) != 0 && k.round_bf16 != nullptr)
    k.round_bf16(f32_ + at, std::int32_t(cols.end - cols.begin), bf16_ + at);
  for (const Activation kind : {Activation::q8_32, Activation::q8_256}) {
    if ((kinds & bit(kind)) == 0) continue;
    const Rounded& to = rounded(kind);
    const std::int32_t block = kind == Activation::q8_32 ? 32 : 256;
    // A row has room for a scale every 32 columns, but its scales stand side by side.
    float* scale = to.scale + first / 32 + cols.begin / block;
    k.quantize(f32_ + at, std::int32_t(cols.end - cols.begin), block,
               {to.q8 + at, scale, to.sums + at / 16, to.sums32 + at / 32});
  }
}

ActView Activations::view(FormatId format, std::int64_t first) const noexcept {
  ActView v;
  v.f32 = row(first);
  v.f32_stride = cols_;
  const Activation kind = format_info(format).activation;
  v.bf16 = bf16_ + first * cols_;
  v.bf16_stride = cols_;
  if (is_float(kind)) return v;
  const Rounded& from = rounded(kind);
  v.q8 = from.q8 + first * cols_;
  v.scale = from.scale + first * cols_ / 32;
  v.sums = from.sums + first * cols_ / 16;
  v.sums32 = from.sums32 + first * cols_ / 32;
  v.q8_stride = cols_;
  v.scale_stride = cols_ / 32;
  v.sums_stride = cols_ / 16;
  v.sums32_stride = cols_ / 32;
  return v;
}

}  // namespace longhand
