// The library's own random numbers, the same everywhere.
#pragma once

#include <cstdint>

namespace longhand {

/// SplitMix64 (Steele, Lea and Flood 2014): a number in [0, 1).
inline double draw(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return double((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

}  // namespace longhand
