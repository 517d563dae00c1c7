// Columns of stored matrices as rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/make/convert/tensor_rows.h"

namespace longhand {

/// Reads matrices by columns. A strip of neighbouring columns is read at once and kept while its columns are
/// asked for: reading single numbers would touch every page of a matrix for each column.
class TransposedStrips {
 public:
  /// `read` gives rows (matrices * height, width).
  TransposedStrips(TensorRows::Read read, std::uint64_t height, std::uint64_t width)
      : read_(std::move(read)),
        height_(height),
        width_(width),
        columns_(std::clamp<std::uint64_t>(kStripNumbers / std::max<std::uint64_t>(height, 1), 1, width)) {}

  /// Row m * width + c of the result is column c of matrix m. May be called from several threads.
  void read(std::uint64_t row, std::uint64_t first, std::uint64_t count, float* out) const {
    const std::uint64_t column = row % width_;
    const std::shared_ptr<const Strip> strip = strip_of(row / width_, column / columns_);
    std::copy_n(strip->numbers.begin() + std::ptrdiff_t(column % columns_ * height_ + first), count, out);
  }

 private:
  static constexpr std::uint64_t kStripNumbers = std::uint64_t{1} << 16;

  struct Strip {
    std::uint64_t matrix, number;
    std::vector<float> numbers;  // (columns, height)
  };

  std::shared_ptr<const Strip> strip_of(std::uint64_t matrix, std::uint64_t number) const {
    {
      const std::lock_guard lock(mutex_);
      for (const auto& strip : kept_) {
        if (strip->matrix == matrix && strip->number == number) return strip;
      }
    }
    auto made = std::make_shared<const Strip>(make(matrix, number));
    const std::lock_guard lock(mutex_);
    kept_.push_front(made);
    if (kept_.size() > std::max(4u, std::thread::hardware_concurrency())) kept_.pop_back();
    return made;
  }

  Strip make(std::uint64_t matrix, std::uint64_t number) const {
    const std::uint64_t begin = number * columns_, columns = std::min(columns_, width_ - begin);
    Strip strip{matrix, number, std::vector<float>(columns * height_)};
    std::vector<float> row(columns);
    for (std::uint64_t i = 0; i < height_; ++i) {
      read_(matrix * height_ + i, begin, columns, row.data());
      for (std::uint64_t c = 0; c < columns; ++c)
        strip.numbers[std::size_t(c * height_ + i)] = row[std::size_t(c)];
    }
    return strip;
  }

  TensorRows::Read read_;
  std::uint64_t height_, width_, columns_;  // of a strip
  mutable std::mutex mutex_;
  mutable std::list<std::shared_ptr<const Strip>> kept_;  // the last ones that were made
};

}  // namespace longhand
