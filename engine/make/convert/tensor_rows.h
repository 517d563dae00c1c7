// The weights of a tensor as rows of numbers that are computed when they are asked for: what a file stores,
// with its rows and values put as another format wants them. Nothing is copied but the row that is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "loaders/safetensors/safetensors.h"
#include "ops/format.h"

namespace longhand {

struct TensorRows {
  /// out[i] = the number in column first + i of `row`, for i < count. May be called from several threads.
  using Read = std::function<void(std::uint64_t row, std::uint64_t first, std::uint64_t count, float* out)>;
  /// The whole row as blocks of `blocks`; false where one of them is NaN.
  using ReadBlocks = std::function<bool(std::uint64_t row, std::byte* out)>;

  std::vector<std::uint64_t> shape;  // the last index is contiguous; never empty
  Read read;
  std::vector<const StoredTensor*> from;  // what it is made of
  ReadBlocks read_blocks;  // where set, the weights are written as they are, in the type `blocks`
  FormatId blocks = kFormatF32;

  std::uint64_t cols() const noexcept { return shape.back(); }
  std::uint64_t rows() const noexcept;
};

/// The numbers of `tensor`. Throws Error: unsupported (a type that has no fractions), shape (no numbers at
/// all).
TensorRows stored_rows(const StoredTensor& tensor);
/// Numbers that were computed.
TensorRows computed_rows(std::vector<float> values);
/// Each number of `rows` times the one of `scales` for its block of `block_rows` x `block_cols` numbers of
/// the last two indices. Throws Error (shape).
TensorRows scaled_rows(TensorRows rows, TensorRows scales, std::uint64_t block_rows,
                       std::uint64_t block_cols);

/// (parts, shape of each). Throws Error (shape) where shapes differ; `name` stands in the message.
TensorRows stacked(std::vector<TensorRows> parts, const std::string& name);
/// The same rows under another shape, whose last number is the same.
TensorRows reshaped(TensorRows rows, std::vector<std::uint64_t> shape);
/// Output i of the result is output outputs[i]: of a vector its numbers, of matrices the rows of each. Throws
/// Error (shape) where there is no such output.
TensorRows with_outputs(TensorRows rows, std::vector<std::uint64_t> outputs);
/// Column i of the result is column columns[i]. Throws the same.
TensorRows with_columns(TensorRows rows, std::vector<std::uint64_t> columns);
/// Every number x becomes change(x).
TensorRows with_values(TensorRows rows, float (*change)(float));
/// The last two indices exchanged.
TensorRows transposed(TensorRows rows);

/// first, first + step, ..., `count` of them: to name outputs and columns by.
std::vector<std::uint64_t> steps(std::uint64_t first, std::uint64_t count, std::uint64_t step = 1);
/// The numbers of outputs: of a vector all, of matrices the rows of one.
std::uint64_t output_count(const TensorRows& rows);

}  // namespace longhand
