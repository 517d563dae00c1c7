#include "engine/memory/k_means.h"

#include <algorithm>
#include <utility>

#include "engine/memory/draw.h"
#include "ops/panels.h"

namespace longhand {
namespace {

std::int64_t padded(std::int64_t n) noexcept { return (n + kPanelRows - 1) / kPanelRows * kPanelRows; }

}  // namespace

std::size_t KeySet::bytes(int n, int codes, int dim) noexcept {
  const std::int64_t keys = padded(n);
  return std::size_t(keys * (2 * std::int64_t{dim} + 4) + dim + codes) * sizeof(float);
}

KeySet::KeySet(std::byte* scratch, int n, int codes, int dim) noexcept : n_(n), codes_(codes), dim_(dim) {
  const std::int64_t keys = padded(n);
  auto* at = reinterpret_cast<float*>(scratch);
  const auto take = [&at](std::int64_t values) { return std::exchange(at, at + values); };
  panels_ = take(keys * dim_);  // first: kernels want it aligned
  rows_ = take(keys * dim_);
  distance_ = take(keys);
  dots_ = take(keys);
  half_norm_ = take(keys);
  mean_ = take(dim_);
  code_ = reinterpret_cast<int*>(take(keys));
  chosen_ = reinterpret_cast<int*>(take(codes_));
}

int KeySet::choose(const Kernels& kernels, int count, std::uint64_t seed) noexcept {
  std::fill_n(panels_, padded(n_) * dim_, 0.0f);
  for (std::int64_t i = 0; i < n_; ++i) {
    float* panel = panels_ + i / kPanelRows * kPanelRows * dim_ + i % kPanelRows;
    for (std::int64_t d = 0; d < dim_; ++d) panel[d * kPanelRows] = key(int(i))[d];
    half_norm_[i] = half_norm(key(int(i)), int(dim_));
    distance_[i] = 1;
  }
  MatmulArgs a;
  a.panels = reinterpret_cast<const std::byte*>(panels_);
  a.panel_bytes = std::int64_t(panel_bytes(kFormatF32, dim_));
  a.rows = std::int32_t(n_);
  a.cols = std::int32_t(dim_);
  a.panel_end = panel_count(a.rows);
  a.x.f32_stride = dim_;
  a.tokens = 1;
  a.out = dots_;
  a.out_stride = n_;
  for (int i = 0; i < count; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < n_; ++j) sum += double(distance_[j]);
    if (!(sum > 0)) return i;
    double left = draw(seed) * sum;
    std::int64_t pick = n_ - 1;
    while (pick > 0 && distance_[pick] <= 0)
      --pick;  // rounding may leave a rest: the last that may be chosen
    for (std::int64_t j = 0; j < pick; ++j) {
      left -= double(distance_[j]);
      if (left < 0) pick = j;
    }
    chosen_[i] = int(pick);
    a.x.f32 = key(int(pick));
    kernels.matmul[kFormatF32](a);
    for (std::int64_t j = 0; j < n_; ++j) {
      const float d = std::max(0.0f, half_norm_[j] + half_norm_[pick] - dots_[j]);
      distance_[j] = i == 0 ? d : std::min(distance_[j], d);
    }
    distance_[pick] = 0;
  }
  return count;
}

void KeySet::assign(const CodeSearch& search) noexcept {
  for (int i = 0; i < int(n_); i += kLookup)
    nearest_codes(search, key(i), std::min(kLookup, int(n_) - i), code_ + i);
}

const float* KeySet::mean(int code) noexcept {
  std::fill_n(mean_, dim_, 0.0f);
  int count = 0;
  for (int i = 0; i < int(n_); ++i) {
    if (code_[i] != code) continue;
    ++count;
    for (std::int64_t d = 0; d < dim_; ++d) mean_[d] += (key(i)[d] - mean_[d]) / float(count);
  }
  return count == 0 ? nullptr : mean_;
}

}  // namespace longhand
