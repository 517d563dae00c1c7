#include "engine/text/code_set.h"

#include <algorithm>
#include <iterator>

namespace longhand {

CodeSet CodeSet::of(char32_t first, char32_t last) {
  CodeSet set;
  set.ranges_.push_back({first, last});
  return set;
}

CodeSet CodeSet::of(std::span<const CodeRange> ranges) {
  CodeSet set;
  set.ranges_.assign(ranges.begin(), ranges.end());
  return set;
}

CodeSet CodeSet::of_categories(CategoryMask mask) {
  CodeSet set;
  const auto starts = unicode_tables::category_starts();
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if ((mask >> starts[i].category & 1) == 0) continue;
    const std::uint32_t last =
        i + 1 < starts.size() ? starts[i + 1].first - 1 : std::uint32_t{kLastCodePoint};
    if (!set.ranges_.empty() && set.ranges_.back().last + 1 == starts[i].first) {
      set.ranges_.back().last = last;
    } else {
      set.ranges_.push_back({starts[i].first, last});
    }
  }
  return set;
}

bool CodeSet::contains(char32_t code) const noexcept {
  const auto next = std::ranges::upper_bound(ranges_, std::uint32_t{code}, {}, &CodeRange::first);
  return next != ranges_.begin() && std::prev(next)->last >= code;
}

CodeSet CodeSet::operator|(const CodeSet& other) const {
  std::vector<CodeRange> all;
  std::ranges::merge(ranges_, other.ranges_, std::back_inserter(all), {}, &CodeRange::first,
                     &CodeRange::first);
  CodeSet set;
  for (const CodeRange& range : all) {
    if (!set.ranges_.empty() && range.first <= set.ranges_.back().last + 1) {
      set.ranges_.back().last = std::max(set.ranges_.back().last, range.last);
    } else {
      set.ranges_.push_back(range);
    }
  }
  return set;
}

CodeSet CodeSet::operator~() const {
  CodeSet set;
  std::uint32_t next = 0;
  for (const CodeRange& range : ranges_) {
    if (range.first > next) set.ranges_.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) set.ranges_.push_back({next, std::uint32_t{kLastCodePoint}});
  return set;
}

CodeSet CodeSet::operator&(const CodeSet& other) const { return ~(~*this | ~other); }

bool CodeSet::operator==(const CodeSet& other) const noexcept {
  return std::ranges::equal(ranges_, other.ranges_, [](const CodeRange& a, const CodeRange& b) {
    return a.first == b.first && a.last == b.last;
  });
}

}  // namespace longhand
