// The code of a key: the vector of a codebook that lies nearest to it.
#pragma once

#include "engine/state/attention/far_keys.h"

namespace longhand {

/// Keys looked up at once.
inline constexpr int kLookup = kAttendRows;

/// Where codes are looked for.
struct CodeSearch {
  const Kernels& kernels;
  const WorkerScratch& scratch;  // its scores are written over
  const std::byte* codes;        // panels of F32 rows (count, row), whose first dim values count
  int row;
  const float* half_norms;  // (count) |c|^2 / 2; infinity: not to be chosen
  int count, dim;
};

/// For each of n <= kLookup keys (n, dim): the index of the nearest code, the first one on ties; and where
/// `closeness` is not null its k . c - |c|^2 / 2, which is |k|^2 / 2 less half the squared distance.
void nearest_codes(const CodeSearch& search, const float* keys, int n, int* nearest,
                   float* closeness = nullptr) noexcept;

/// |c|^2 / 2.
float half_norm(const float* vector, int n) noexcept;

}  // namespace longhand
