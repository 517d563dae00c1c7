// Random features that are orthogonal to each other: less noise than independent ones of the same number.
#pragma once

#include <cstdint>
#include <vector>

namespace longhand {

/// (count, dim) rows, each distributed as a vector of independent normal numbers; every `dim` neighbours are
/// orthogonal. The same seed gives the same numbers.
std::vector<float> orthogonal_features(int count, int dim, std::uint64_t seed);

}  // namespace longhand
