// The input of a matrix product, as floats and in the rounded forms its weights ask for.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "engine/forward/carver.h"
#include "loaders/model/linear.h"
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
  /// Room for `rows` rows of at most `cols` values.
  Activations(Carver& carver, std::int64_t rows, std::int64_t cols) noexcept;

  float* row(std::int64_t r) const noexcept { return f32_ + r * cols_; }
  std::int64_t stride() const noexcept { return cols_; }

  /// Rounds values of row r, from a multiple of kGroup on, to every form in `kinds`.
  void round(const Kernels& k, std::int64_t r, Range cols, ActKinds kinds) const noexcept;
  /// Rows from `first` on, in the form `format` multiplies.
  ActView view(FormatId format, std::int64_t first = 0) const noexcept;

 private:
  struct Rounded {
    std::int8_t* q8 = nullptr;       // (rows, cols)
    float* scale = nullptr;          // (rows, cols / 32); of blocks of 256, a row fills an eighth
    std::int32_t* sums = nullptr;    // (rows, cols / 16)
    std::int16_t* sums32 = nullptr;  // (rows, cols / 32)
  };
  const Rounded& rounded(Activation kind) const noexcept { return kind == Activation::q8_32 ? q32_ : q256_; }

  std::int64_t cols_ = 0;
  float* f32_ = nullptr;           // (rows, cols)
  std::uint16_t* bf16_ = nullptr;  // (rows, cols)
  Rounded q32_, q256_;
};

/// Activations with memory of their own, for measuring and testing.
class OwnActivations : public Activations {
 public:
  /// Throws Error(no_memory).
  OwnActivations(std::int64_t rows, std::int64_t cols);

 private:
  Buffer buffer_;
};

}  // namespace longhand
