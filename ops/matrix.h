// Views of weights and of the activations they are multiplied with. PODs only: kernel units see this header.
#pragma once

#include <cstddef>
#include <cstdint>

namespace longhand {

/// How the rows of a matrix lie in memory.
enum class Layout : std::uint8_t {
  rows,         // as in the file: one row after the other
  panels,       // 16 rows interleaved (ops/panels.h); the last panel is padded with zero bytes
  interleaved,  // as in files whose types end in _R4, _R8 or _R16 (ops/interleaved.h)
};

/// A weight matrix (rows, cols): row r holds the weights of output r.
struct MatView {
  std::uint8_t format = 0;  // FormatId
  Layout layout = Layout::rows;
  std::int32_t rows = 0, cols = 0;
  const std::byte* data = nullptr;

  bool empty() const { return data == nullptr; }
};

/// Activations of some tokens, one row each, in every form the stage's weights ask for. Strides in elements.
struct ActView {
  const float* f32 = nullptr;            // (tokens, cols)
  const std::uint16_t* bf16 = nullptr;   // (tokens, cols, up to an even number)
  const std::int8_t* q8 = nullptr;       // (tokens, cols), -127..127
  const float* scale = nullptr;          // (tokens, cols / block)
  const std::int32_t* sums = nullptr;    // (tokens, cols / 16) see RoundedRow::sums
  const std::int16_t* sums32 = nullptr;  // (tokens, cols / 32) sums of 32 neighbouring q8
  std::int64_t f32_stride = 0, bf16_stride = 0, q8_stride = 0, scale_stride = 0, sums_stride = 0,
               sums32_stride = 0;
};

/// Output rows [16 panel_begin, 16 panel_end) of out = W x for each token.
struct MatmulArgs {
  const std::byte* panels = nullptr;  // of panel_begin
  std::int64_t panel_bytes = 0;
  std::int32_t rows = 0, cols = 0;  // of the whole matrix
  std::int32_t panel_begin = 0, panel_end = 0;
  ActView x;
  std::int32_t tokens = 0;
  float* out = nullptr;  // (tokens, rows)
  std::int64_t out_stride = 0;
};
using MatmulFn = void (*)(const MatmulArgs&) noexcept;

}  // namespace longhand
