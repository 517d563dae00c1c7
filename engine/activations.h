// The input of a matrix product, as floats and in the rounded forms its weights ask for.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "loaders/weights.h"
#include "ops/buffer.h"
#include "ops/format.h"
#include "ops/kernels.h"
#include "ops/parallel.h"

namespace longhand {

/// Which rounded forms some weights need: a bit per Activation.
using ActKinds = unsigned;
ActKinds kinds_of(std::initializer_list<const Linear*> weights) noexcept;

class Activations {
 public:
  /// Columns that are rounded together at most: parts of a row that begin at multiples of it can
  /// be rounded apart.
  static constexpr std::int64_t kGroup = 256;

  Activations() = default;
  /// Room for `rows` rows of at most `cols` values. Throws Error(no_memory).
  Activations(std::int64_t rows, std::int64_t cols);

  float* row(std::int64_t r) const noexcept { return f32_.as<float>() + r * cols_; }
  std::int64_t stride() const noexcept { return cols_; }

  /// Rounds values of row r, from a multiple of kGroup on, to every form in `kinds`.
  void round(const Kernels& k, std::int64_t r, Range cols, ActKinds kinds) const noexcept;
  /// Rows from `first` on, in the form `format` multiplies.
  ActView view(FormatId format, std::int64_t first = 0) const noexcept;
  std::size_t bytes() const noexcept;

 private:
  struct Rounded {
    Buffer q8;      // (rows, cols) int8
    Buffer scale;   // (rows, cols / 32) float; of blocks of 256, a row fills an eighth
    Buffer sums;    // (rows, cols / 16) int32
    Buffer sums32;  // (rows, cols / 32) int16
  };
  const Rounded& rounded(Activation kind) const noexcept { return kind == Activation::q8_32 ? q32_ : q256_; }

  std::int64_t cols_ = 0;
  Buffer f32_;  // (rows, cols)
  Rounded q32_, q256_;
};

}  // namespace longhand
