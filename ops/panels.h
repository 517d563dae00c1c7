// The panel layout: 16 rows of a matrix interleaved so that one vector load brings the same bytes
// of many rows.
//
// A panel is a sequence of panel blocks, one per block of a row, behind the heads of its rows where they have
// some. In a panel block, unit u of a field (1, 2 or
// 4 bytes, see Field) of all 16 rows stand side by side: the unit at byte `o` of row r's block lies at byte
// 16 o + unit r of the panel block. So every vector lane belongs to one row, sums need no horizontal steps,
// outputs are 16 contiguous floats, and a matrix takes exactly the bytes it has in the file (rows rounded up
// to 16). The bytes are the same for every CPU.
#pragma once

#include "ops/format.h"
#include "ops/matrix.h"

namespace longhand {

/// Bytes of one panel of `cols` columns.
std::size_t panel_bytes(FormatId format, std::int64_t cols) noexcept;
/// Bytes of a matrix in the panel layout.
std::size_t panels_bytes(FormatId format, std::int64_t rows, std::int64_t cols) noexcept;
inline std::int32_t panel_count(std::int32_t rows) noexcept { return (rows + kPanelRows - 1) / kPanelRows; }

/// Interleaves panel `panel` of `rows_view` (rows, or interleaved as in a file) into `dst` (panel_bytes).
/// Missing rows become zero bytes, which every format decodes to finite numbers.
void interleave_panel(const MatView& rows_view, std::int32_t panel, std::byte* dst) noexcept;

/// Decodes row `row` of a matrix in any layout to `dst` (cols).
void decode_row(const MatView& matrix, std::int32_t row, float* dst) noexcept;

}  // namespace longhand
