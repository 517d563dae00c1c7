// Matrices of every tensor type, for tests of what multiplies them.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "ops/format.h"

namespace longhand::test {

/// Random blocks of (rows, cols) weights. Scales are moderate; everything else takes all values.
std::vector<std::byte> random_weights(FormatId format, int rows, int cols, std::mt19937& random);

/// f(first byte) of each block in `bytes` bytes of rows of `cols` weights.
template <class Function>
void for_each_block(FormatId format, int cols, std::size_t bytes, const Function& f) {
  const FormatInfo& info = format_info(format);
  const std::size_t row = row_bytes(format, cols);
  for (std::size_t head = 0; head < bytes; head += row) {
    for (std::size_t block = head + info.row_head; block < head + row; block += info.block_bytes) f(block);
  }
}

/// The same weights as floats, (rows, cols).
std::vector<float> decoded(FormatId format, int rows, int cols, const std::vector<std::byte>& weights);

}  // namespace longhand::test
