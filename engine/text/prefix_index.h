// Finds the entries of a dictionary that a text begins with.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "loaders/vocab.h"

namespace longhand {

/// A trie in disguise: the sorted texts, each with the longest other one it begins with. Of all entries not
/// behind a text in the order, the last has the most bytes in common with it, and whatever the text begins
/// with is among that entry and what it begins with in turn. Finding them costs a binary search, however many
/// tokens of a file begin alike, where a descent byte by byte would cost one for every byte of the longest.
/// The texts stay with their owner.
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
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      std::uint32_t start = i == 0 ? kNone : i - 1;
      while (start != kNone && !entries_[i].text.starts_with(entries_[start].text)) start = starts_[start];
      starts_.push_back(start);
    }
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

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  /// Number of the longest entry that `text` begins with, or kNone.
  std::uint32_t longest_prefix(std::string_view text) const {
    if (text.empty()) return kNone;
    const auto first = entries_.begin() + first_[byte(text, 0)],
               last = entries_.begin() + first_[byte(text, 0) + 1];
    const auto behind =
        std::upper_bound(first, last, text, [](std::string_view t, const Entry& e) { return t < e.text; });
    if (behind == first) return kNone;
    auto entry = static_cast<std::uint32_t>(behind - entries_.begin()) - 1;
    const std::size_t common = common_length(text, entries_[entry].text);
    while (entry != kNone && entries_[entry].text.size() > common) entry = starts_[entry];
    return entry;
  }

  /// Calls visit(number of the entry) for each entry that `text` begins with, longest first.
  template <class Visit>
  void for_each_prefix(std::string_view text, Visit&& visit) const {
    for (std::uint32_t entry = longest_prefix(text); entry != kNone; entry = starts_[entry]) visit(entry);
  }

 private:
  static std::size_t byte(std::string_view text, std::size_t at) noexcept {
    return static_cast<unsigned char>(text[at]);
  }
  static std::size_t common_length(std::string_view a, std::string_view b) noexcept {
    const std::size_t size = std::min(a.size(), b.size());
    std::size_t at = 0;
    std::uint64_t x = 0, y = 0;
    for (; at + sizeof x <= size; at += sizeof x) {
      std::memcpy(&x, a.data() + at, sizeof x);
      std::memcpy(&y, b.data() + at, sizeof y);
      if (x != y) break;
    }
    while (at < size && a[at] == b[at]) ++at;
    return at;
  }

  std::vector<Entry> entries_;              // sorted by text
  std::vector<std::uint32_t> starts_;       // (entries_) number of the longest other entry at the beginning
  std::array<std::uint32_t, 257> first_{};  // first entry whose text begins with a byte at least this
};

}  // namespace longhand
