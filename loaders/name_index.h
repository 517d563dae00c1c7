// Finds entries of a directory by name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace longhand {

/// Positions of entries, sorted by name. Sorting, unlike hashing, has no worst case that a crafted file could
/// provoke, and needs 4 bytes an entry. The entries stay with the owner, who passes the same ones every time.
template <class Entry, std::string_view Entry::*name>
class NameIndex {
 public:
  NameIndex() = default;
  explicit NameIndex(std::span<const Entry> entries) : order_(entries.size()) {
    std::iota(order_.begin(), order_.end(), 0U);
    std::ranges::sort(order_, [&](std::uint32_t a, std::uint32_t b) {
      const int order = (entries[a].*name).compare(entries[b].*name);
      return order != 0 ? order < 0 : a < b;
    });
  }

  const Entry* find(std::span<const Entry> entries, std::string_view wanted) const noexcept {
    const auto at =
        std::ranges::lower_bound(order_, wanted, {}, [&](std::uint32_t i) { return entries[i].*name; });
    return at != order_.end() && entries[*at].*name == wanted ? &entries[*at] : nullptr;
  }

  /// The first entry whose name an earlier one has already.
  std::optional<std::uint32_t> first_duplicate(std::span<const Entry> entries) const noexcept {
    std::optional<std::uint32_t> first;
    for (std::size_t i = 1; i < order_.size(); ++i) {
      if (entries[order_[i - 1]].*name == entries[order_[i]].*name)
        first = std::min(first.value_or(order_[i]), order_[i]);
    }
    return first;
  }

 private:
  std::vector<std::uint32_t> order_;
};

}  // namespace longhand
