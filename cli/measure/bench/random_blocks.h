// Random weights written directly as blocks of a tensor type, without a quantizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ops/format_info.h"
#include "ops/random.h"

namespace longhand::cli {

/// Random bytes under a mask: codes are left random, scales are set. Every block it makes is one a quantizer
/// could have written.
class RandomBlocks {
 public:
  /// Weights with mean about 0 and the root mean square `rms` (types that have only powers of two: within a
  /// factor of sqrt(2)). Rows of the type have no head.
  RandomBlocks(const FormatInfo& type, float rms);

  /// Fills `out`, a whole number of blocks.
  void fill(std::span<std::byte> out, Random& random) const;

 private:
  // One word of the mask per 8 bytes. Eight blocks are a whole number of words, whatever a block's size.
  struct Word {
    std::uint64_t keep = ~std::uint64_t{0}, set = 0;
  };
  std::vector<Word> words_;
};

}  // namespace longhand::cli
