// The facts of the Unicode Character Database this library needs, as sorted arrays.
#pragma once

#include <cstdint>
#include <span>

namespace longhand {

/// Inclusive range of code points.
struct CodeRange {
  std::uint32_t first, last;
};

namespace unicode_tables {

struct CategoryStart {
  std::uint32_t first;    // from here to the start of the next entry ...
  std::uint8_t category;  // ... this Category holds
};
struct CodePair {
  std::uint32_t from, to;
};

std::span<const CategoryStart> category_starts() noexcept;
std::span<const CodeRange> white_space() noexcept;
std::span<const CodeRange> han() noexcept;
std::span<const CodePair> lower() noexcept;
/// First characters of canonical decompositions. Hangul syllables are computed, not listed.
std::span<const CodePair> bases() noexcept;

}  // namespace unicode_tables
}  // namespace longhand
