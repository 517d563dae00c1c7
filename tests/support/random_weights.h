// Matrices of every tensor type, for tests of what multiplies them.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "ops/format.h"

namespace longhand::test {

/// Random blocks of (rows, cols) weights. Scales are moderate; everything else takes all values.
std::vector<std::byte> random_weights(FormatId format, int rows, int cols, std::mt19937& random);

/// The same weights as floats, (rows, cols).
std::vector<float> decoded(FormatId format, int rows, int cols, const std::vector<std::byte>& weights);

}  // namespace longhand::test
