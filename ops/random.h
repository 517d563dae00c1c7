// Random numbers that are the same on every platform, which <random>'s distributions do not promise.
#pragma once

#include <cstdint>

namespace longhand {

/// SplitMix64 (Steele, Lea and Flood 2014) over a counter: the n-th number depends on the seed and n alone,
/// so a copy is a cheap checkpoint.
class Random {
 public:
  /// Counters of neighbouring seeds lie far apart.
  explicit Random(std::uint64_t seed) noexcept : state_(mix(seed + kStep)) {}
  /// The counter starts at `state` itself.
  static Random from_state(std::uint64_t state) noexcept {
    Random random(0);
    random.state_ = state;
    return random;
  }

  std::uint64_t next() noexcept { return mix(state_ += kStep); }
  /// Uniform in [0, 1): the upper 53 bits, as many as a double holds exactly.
  double uniform() noexcept { return double(next() >> 11) * 0x1p-53; }

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio, odd

  static std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace longhand
