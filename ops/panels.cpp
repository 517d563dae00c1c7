#include "ops/panels.h"

#include <cstring>

#include "ops/interleaved.h"

namespace longhand {
namespace {

// Copies one unit of `Unit` bytes of every row: `src` is the unit in row 0, `dst` its place in
// the panel block.
template <int Unit>
void gather(const std::byte* src, std::size_t row_stride, int rows, std::byte* dst) {
  for (int r = 0; r < rows; ++r) std::memcpy(dst + r * Unit, src + std::size_t(r) * row_stride, Unit);
  if (rows < kPanelRows) std::memset(dst + rows * Unit, 0, std::size_t(kPanelRows - rows) * Unit);
}

constexpr std::size_t kMostHeadBytes = 4, kMostBlockBytes = 256;  // the largest block, IQ6_K, has 212 bytes

using GatherFn = void (*)(const std::byte*, std::size_t, int, std::byte*);
constexpr GatherFn gather_of(int unit) { return unit == 4 ? gather<4> : unit == 2 ? gather<2> : gather<1>; }

// Interleaves one block of `rows` rows, `stride` bytes apart.
void gather_block(const FormatInfo& info, const std::byte* src, std::size_t stride, int rows,
                  std::byte* dst) {
  for (int f = 0; f < info.n_fields; ++f) {
    const Field field = info.fields[f];
    const GatherFn gather_units = gather_of(field.unit);
    for (int o = field.offset; o < field.offset + field.bytes; o += field.unit)
      gather_units(src + o, stride, rows, dst + std::size_t(kPanelRows) * std::size_t(o));
  }
}

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
  const int first = panel * kPanelRows, rows = m.rows - first < kPanelRows ? m.rows - first : kPanelRows;
  const std::size_t blocks = std::size_t(m.cols) / info.block_elements;
  const auto panel_head = std::size_t(info.row_head) * kPanelRows;
  const auto panel_block = std::size_t(info.block_bytes) * kPanelRows;
  if (m.layout == Layout::rows) {
    const std::size_t stride = row_bytes(m.format, m.cols);
    const std::byte* src = m.data + std::size_t(first) * stride;
    if (info.row_head > 0) gather<4>(src, stride, rows, dst);
    for (std::size_t b = 0; b < blocks; ++b)
      gather_block(info, src + info.row_head + b * info.block_bytes, stride, rows,
                   dst + panel_head + b * panel_block);
    return;
  }
  std::byte own[kPanelRows][kMostBlockBytes];  // rows that were taken apart
  if (info.row_head > 0) {
    for (int r = 0; r < rows; ++r) take_head(m, first + r, own[r]);
    gather<4>(own[0], sizeof own[0], rows, dst);
  }
  for (std::size_t b = 0; b < blocks; ++b) {
    for (int r = 0; r < rows; ++r) take_block(m, first + r, std::int64_t(b), own[r]);
    gather_block(info, own[0], sizeof own[0], rows, dst + panel_head + b * panel_block);
  }
}

void decode_row(const MatView& m, std::int32_t row, float* dst) noexcept {
  const FormatInfo& info = format_info(m.format);
  const std::size_t stride = row_bytes(m.format, m.cols);
  const auto elements = std::int32_t(info.block_elements);
  if (m.layout == Layout::rows) {
    decode_blocks(m.format, m.data + std::size_t(row) * stride, m.cols / elements, dst);
    return;
  }
  std::byte block[kMostHeadBytes + kMostBlockBytes];
  if (m.layout == Layout::interleaved) {
    take_head(m, row, block);
    for (std::int32_t b = 0; b < m.cols / elements; ++b) {
      take_block(m, row, b, block + info.row_head);
      decode_blocks(m.format, block, 1, dst + b * elements);
    }
    return;
  }
  const std::byte* panel = m.data + std::size_t(row / kPanelRows) * stride * kPanelRows;
  std::memcpy(block, panel + std::size_t(row % kPanelRows) * info.row_head, info.row_head);
  panel += std::size_t(kPanelRows) * info.row_head;
  for (std::int32_t c = 0; c < m.cols; c += elements) {
    extract_block(info, panel, row % kPanelRows, block + info.row_head);
    decode_blocks(m.format, block, 1, dst + c);
    panel += std::size_t(info.block_bytes) * kPanelRows;
  }
}

}  // namespace longhand
