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
/// Full canonical decomposition; unused places are 0. Hangul syllables are computed, not listed.
struct Decomposition {
  std::uint32_t from;
  std::uint32_t to[4];
};

std::span<const CategoryStart> category_starts() noexcept;
std::span<const CodeRange> white_space() noexcept;
std::span<const CodeRange> han() noexcept;
std::span<const CodePair> lower() noexcept;
std::span<const Decomposition> decompositions() noexcept;

}  // namespace unicode_tables
}  // namespace longhand
