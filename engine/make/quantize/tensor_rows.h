// Rows of tensors as floats, and as rows of other types on their way into a new file.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/make/gguf_output.h"
#include "engine/make/quantize/quantize_plan.h"
#include "engine/make/tensor_copy.h"
#include "loaders/gguf/gguf.h"

namespace longhand {

/// Rows [first, first + count) of a tensor of a type that can be read, to `to` (count, cols); the file's
/// pages are given back. Throws Error(nonfinite), naming tensor, row and column.
void decode_rows(const Gguf& file, const TensorInfo& tensor, std::uint64_t first, std::uint64_t count,
                 std::span<float> to);

/// Takes `count` rows of a tensor from row `first` on, encoded; may throw.
using EncodedRows =
    std::function<void(std::uint64_t first, std::uint64_t count, std::span<const std::byte> rows)>;
/// Encodes a tensor as the type the plan gives it. Blocks of rows are encoded by `threads` threads and taken
/// in their order, one at a time. Throws Error(nonfinite), and what `take` throws.
void encode_tensor(const Gguf& file, const PlannedTensor& tensor, int threads, const EncodedRows& take);

/// Writes a tensor in the type the plan gives it. Blocks of rows are encoded by `threads` threads and written
/// in their order. Throws Error: nonfinite, io; and what `read` throws.
void write_tensor(const Gguf& file, const PlannedTensor& tensor, int threads, GgufOutput& out,
                  const BytesRead& read);

/// Every weight that is NaN or infinite is an Error(nonfinite) that names the first of them and how many
/// tensors have any. Throws also Error(unsupported) for a tensor of a type that cannot be read, before any
/// other is; and what `read` throws.
void check_finite(const Gguf& file, int threads, const BytesRead& read);

}  // namespace longhand
