// A first codebook for a set of keys: k-means++ (Arthur and Vassilvitskii 2007), then Lloyd's passes.
#pragma once

#include "engine/memory/codebook.h"

namespace longhand {

/// The keys, and room for working on them. Pieces of one scratch buffer.
class KeySet {
 public:
  /// Bytes of scratch for n keys and `codes` codes.
  static std::size_t bytes(int n, int codes, int dim) noexcept;
  KeySet(std::byte* scratch, int n, int codes, int dim) noexcept;

  int size() const noexcept { return int(n_); }
  float* key(int i) const noexcept { return rows_ + std::int64_t{i} * dim_; }
  int& code(int i) const noexcept { return code_[i]; }

  /// Chooses up to `count` different keys, each with probability proportional to its squared distance from
  /// those chosen before; the same seed chooses the same. Returns how many there are; chosen(i) are they.
  int choose(const Kernels& kernels, int count, std::uint64_t seed) noexcept;
  int chosen(int i) const noexcept { return chosen_[i]; }

  /// code(i) = the nearest code of every key.
  void assign(const CodeSearch& search) noexcept;
  /// The mean of the keys of a code, valid until the next call; null where no key has it.
  const float* mean(int code) noexcept;

 private:
  std::int64_t n_, codes_, dim_;
  float *rows_, *panels_;                 // (n, dim), (n in panels of 16, dim, 16)
  float *distance_, *dots_, *half_norm_;  // (n in whole panels)
  float* mean_;                           // (dim)
  int *code_, *chosen_;                   // (n), (codes)
};

}  // namespace longhand
