// Tensor types of ik_llama.cpp that end in _R4 or _R8: blocks of another type, of which four or eight rows
// share their bytes. Each bit of a row is somewhere; nothing is lost, and the rows can be taken apart again.
#pragma once

#include <cstdint>

#include "ops/format.h"
#include "ops/matrix.h"

namespace longhand {

/// The format whose rows a GGUF tensor type interleaves, or -1.
int find_interleaved(std::uint32_t gguf_type) noexcept;
/// How many rows of the format lie together in such files; 0 where there is no such type.
int interleaved_rows(FormatId id) noexcept;
/// Bytes of one row in such a file, its share of a group of rows. They differ from row_bytes() for IQ1_S.
std::size_t interleaved_row_bytes(FormatId id, std::int64_t cols) noexcept;

/// Bytes of one row of a matrix that is rows or interleaved.
std::size_t stored_row_bytes(const MatView& matrix) noexcept;

/// Of a matrix whose layout is Layout::interleaved: the head of row `row` (format_info().row_head bytes), and
/// block `block` of it (format_info().block_bytes bytes), as the row would have them by itself.
void take_head(const MatView& matrix, std::int32_t row, std::byte* to) noexcept;
void take_block(const MatView& matrix, std::int32_t row, std::int64_t block, std::byte* to) noexcept;

}  // namespace longhand
