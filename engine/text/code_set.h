// Sets of code points as sorted ranges: the character classes of regular expressions.
#pragma once

#include <span>
#include <vector>

#include "engine/text/unicode.h"
#include "engine/text/unicode_tables.h"

namespace longhand {

class CodeSet {
 public:
  CodeSet() = default;
  static CodeSet of(char32_t first, char32_t last);
  static CodeSet of(std::span<const CodeRange> ranges);
  static CodeSet of_categories(CategoryMask mask);

  std::span<const CodeRange> ranges() const noexcept { return ranges_; }  // sorted, disjoint, not touching
  bool contains(char32_t code) const noexcept;

  CodeSet operator|(const CodeSet& other) const;
  CodeSet operator&(const CodeSet& other) const;
  CodeSet operator~() const;  // all other code points
  bool operator==(const CodeSet& other) const noexcept;

 private:
  std::vector<CodeRange> ranges_;
};

}  // namespace longhand
