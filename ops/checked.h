// Unsigned arithmetic on sizes that come from outside: an overflow is an empty result instead of
// a wrapped number.
#pragma once

#include <cstdint>
#include <optional>

namespace longhand {

constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

constexpr std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// The smallest multiple of `alignment` (any number but 0) that is at least `value`.
constexpr std::optional<std::uint64_t> checked_round_up(std::uint64_t value,
                                                        std::uint64_t alignment) noexcept {
  const std::uint64_t over = value % alignment;
  return over == 0 ? value : checked_add(value, alignment - over);
}

}  // namespace longhand
