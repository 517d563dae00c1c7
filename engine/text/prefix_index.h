// Finds the entries of a dictionary that a text begins with.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "loaders/vocab.h"

namespace longhand {

/// A trie in disguise: the sorted texts. Descending by a byte narrows a range of them, which costs a binary
/// search but no memory beside the list, however long the texts are. The texts stay with their owner.
class PrefixIndex {
 public:
  struct Entry {
    std::string_view text;
    Token token;
  };

  PrefixIndex() = default;
  /// Empty texts are dropped; of equal ones the lowest token stays.
  explicit PrefixIndex(std::vector<Entry> entries) : entries_(std::move(entries)) {
    std::erase_if(entries_, [](const Entry& e) { return e.text.empty(); });
    std::ranges::sort(entries_, {}, [](const Entry& e) { return std::pair(e.text, e.token); });
    const auto same = [](const Entry& a, const Entry& b) { return a.text == b.text; };
    entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
    std::uint32_t at = 0;
    for (std::size_t b = 0; b <= 256; ++b) {
      while (at < entries_.size() && byte(entries_[at].text, 0) < b) ++at;
      first_[b] = at;
    }
  }

  const std::vector<Entry>& entries() const noexcept { return entries_; }
  bool begins_with(char c) const noexcept {
    const auto b = static_cast<unsigned char>(c);
    return first_[b] != first_[b + 1u];
  }

  /// Calls visit(number of the entry) for each entry that `text` begins with, shortest first.
  template <class Visit>
  void for_each_prefix(std::string_view text, Visit&& visit) const {
    if (text.empty()) return;
    std::uint32_t low = first_[byte(text, 0)], high = first_[byte(text, 0) + 1];
    for (std::size_t depth = 1; low < high; ++depth) {
      if (high - low == 1) {
        if (text.starts_with(entries_[low].text)) visit(low);
        return;
      }
      if (entries_[low].text.size() == depth) visit(low++);  // a prefix sorts before what it is a prefix of
      if (depth >= text.size()) return;
      const auto below = [&](std::size_t limit) {
        return [this, depth, limit](std::uint32_t i) { return byte(entries_[i].text, depth) < limit; };
      };
      const std::size_t wanted = byte(text, depth);
      low = partition_point(low, high, below(wanted));
      high = partition_point(low, high, below(wanted + 1));
    }
  }

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  /// Number of the longest entry that `text` begins with, or kNone.
  std::uint32_t longest_prefix(std::string_view text) const {
    std::uint32_t found = kNone;
    for_each_prefix(text, [&](std::uint32_t entry) { found = entry; });
    return found;
  }

 private:
  static std::size_t byte(std::string_view text, std::size_t at) noexcept {
    return static_cast<unsigned char>(text[at]);
  }
  template <class Predicate>
  static std::uint32_t partition_point(std::uint32_t low, std::uint32_t high, Predicate&& holds) {
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (holds(middle)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  std::vector<Entry> entries_;              // sorted by text
  std::array<std::uint32_t, 257> first_{};  // first entry whose text begins with a byte at least this
};

}  // namespace longhand
