// The Hadamard transform, which spreads what stands out in one dimension of a vector over many: the same
// vector in other coordinates, whose numbers can be rounded together. Products of two transformed vectors are
// those of the vectors.
#pragma once

#include <cmath>

#ifndef LONGHAND_UNIT
#define LONGHAND_UNIT portable
#endif

namespace longhand {
// A copy for each kernel unit, as in ops/half.h.
inline namespace LONGHAND_UNIT {

/// Dimensions that are transformed together, of vectors of n: the largest power of two that divides n, at
/// most 256.
inline int hadamard_size(int n) { return (n & -n) < 256 ? n & -n : 256; }

/// Each hadamard_size(n) values of x (n) times the orthonormal Hadamard matrix, which is its own inverse.
inline void hadamard(float* x, int n) {
  const int size = hadamard_size(n);
  const float unit = 1.0f / std::sqrt(float(size));
  for (float* group = x; group < x + n; group += size) {
    for (int half = 1; half < size; half *= 2) {
      for (int i = 0; i < size; i += 2 * half) {
        for (int j = i; j < i + half; ++j) {
          const float a = group[j], b = group[j + half];
          group[j] = a + b;
          group[j + half] = a - b;
        }
      }
    }
    for (int i = 0; i < size; ++i) group[i] *= unit;
  }
}

}  // namespace LONGHAND_UNIT
}  // namespace longhand
