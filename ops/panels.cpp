#include "ops/panels.h"

#include <cstring>

namespace longhand {
namespace {

// Copies one unit of `Unit` bytes of every row: `src` is the unit in row 0, `dst` its place in
// the panel block.
template <int Unit>
void gather(const std::byte* src, std::size_t row_stride, int rows, std::byte* dst) {
  for (int r = 0; r < rows; ++r) std::memcpy(dst + r * Unit, src + std::size_t(r) * row_stride, Unit);
  if (rows < kPanelRows) std::memset(dst + rows * Unit, 0, std::size_t(kPanelRows - rows) * Unit);
}

using GatherFn = void (*)(const std::byte*, std::size_t, int, std::byte*);
constexpr GatherFn gather_of(int unit) { return unit == 4 ? gather<4> : unit == 2 ? gather<2> : gather<1>; }

// The bytes of one row's block, taken out of a panel block.
void extract_block(const FormatInfo& info, const std::byte* panel_block, int row, std::byte* block) {
  for (int f = 0; f < info.n_fields; ++f) {
    const Field& field = info.fields[f];
    for (int o = field.offset; o < field.offset + field.bytes; o += field.unit) {
      std::memcpy(block + o, panel_block + kPanelRows * o + row * field.unit, field.unit);
    }
  }
}

}  // namespace

std::size_t panel_bytes(FormatId format, std::int64_t cols) noexcept {
  return row_bytes(format, cols) * kPanelRows;
}

std::size_t panels_bytes(FormatId format, std::int64_t rows, std::int64_t cols) noexcept {
  return panel_bytes(format, cols) * std::size_t((rows + kPanelRows - 1) / kPanelRows);
}

void interleave_panel(const MatView& m, std::int32_t panel, std::byte* dst) noexcept {
  const FormatInfo& info = format_info(m.format);
  const std::size_t stride = row_bytes(m.format, m.cols);
  const std::byte* src = m.data + std::size_t(panel) * kPanelRows * stride;
  const int rows = m.rows - panel * kPanelRows < kPanelRows ? m.rows - panel * kPanelRows : kPanelRows;
  const std::size_t blocks = stride / info.block_bytes;
  for (std::size_t b = 0; b < blocks; ++b) {
    for (int f = 0; f < info.n_fields; ++f) {
      const Field field = info.fields[f];
      const GatherFn gather_units = gather_of(field.unit);
      for (int o = field.offset; o < field.offset + field.bytes; o += field.unit) {
        gather_units(src + b * info.block_bytes + std::size_t(o), stride, rows,
                     dst + std::size_t(kPanelRows) * std::size_t(o));
      }
    }
    dst += std::size_t(info.block_bytes) * kPanelRows;
  }
}

void decode_row(const MatView& m, std::int32_t row, float* dst) noexcept {
  const FormatInfo& info = format_info(m.format);
  const std::size_t stride = row_bytes(m.format, m.cols);
  if (m.layout == Layout::rows) {
    decode_blocks(m.format, m.data + std::size_t(row) * stride, m.cols / std::int32_t(info.block_elements),
                  dst);
    return;
  }
  const std::byte* panel = m.data + std::size_t(row / kPanelRows) * stride * kPanelRows;
  std::byte block[256];  // the largest block, Q6_K, has 210 bytes
  for (std::int32_t c = 0; c < m.cols; c += std::int32_t(info.block_elements)) {
    extract_block(info, panel, row % kPanelRows, block);
    decode_blocks(m.format, block, 1, dst + c);
    panel += std::size_t(info.block_bytes) * kPanelRows;
  }
}

}  // namespace longhand
