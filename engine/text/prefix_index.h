// Finds the entries of a dictionary that a text begins with.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "loaders/vocab/vocab.h"

namespace longhand {

/// A trie in disguise: the sorted texts, each with the longest other one it begins with. Of all entries not
/// behind a text in the order, the last has the most bytes in common with it, and whatever the text begins
/// with is among that entry and what it begins with in turn. Finding them costs a binary search, however many
/// tokens of a file begin alike, where a descent byte by byte would cost one for every byte of the longest. A
/// hash table of the first bytes leaves few entries to search.
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
    if (entries_.size() >= kFew) index_beginnings();
  }

  const std::vector<Entry>& entries() const noexcept { return entries_; }
  bool begins_with(char c) const noexcept {
    const auto b = std::uint8_t(c);
    return first_[b] != first_[b + 1u];
  }

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  /// Number of the longest entry that `text` begins with, or kNone.
  std::uint32_t longest_prefix(std::string_view text) const {
    if (text.empty()) return kNone;
    const std::size_t b = byte(text, 0);
    if (first_[b] == first_[b + 1]) return kNone;
    Range range{first_[b], first_[b + 1], 1};
    if (!beginnings_.empty()) {
      range = alike(text, range);
      // No entry has one more byte in common with the text.
      if (range.bytes < kMostBytes) {
        return entries_[range.first].text.size() == range.bytes ? range.first : starts_[range.first];
      }
    }
    return search(text, range);
  }

  /// Calls visit(number of the entry) for each entry that `text` begins with, longest first.
  template <class Visit>
  void for_each_prefix(std::string_view text, Visit&& visit) const {
    for (std::uint32_t entry = longest_prefix(text); entry != kNone; entry = starts_[entry]) visit(entry);
  }

 private:
  static constexpr std::size_t kFew = 256;      // entries that need no hash table
  static constexpr std::size_t kMostBytes = 6;  // hashed; so many suffice to tell most entries apart

  // The entries whose first `bytes` bytes are the same.
  struct Range {
    std::uint32_t first = 0, last = 0;
    std::size_t bytes = 0;
  };
  struct Slot {
    std::uint64_t beginning = 0;  // 0: free
    std::uint32_t first = 0, last = 0;
  };

  static std::uint64_t beginning(std::string_view text, std::size_t bytes) noexcept {
    std::uint64_t key = 0;
    std::memcpy(&key, text.data(), bytes);
    return key << 8 | bytes;
  }
  std::size_t home(std::uint64_t key) const noexcept {
    const std::uint64_t h = key * 0x9E3779B97F4A7C15u;
    return (h ^ h >> 32) & (beginnings_.size() - 1);
  }
  Slot& slot(std::uint64_t key) noexcept { return beginnings_[place(key)]; }
  std::size_t place(std::uint64_t key) const noexcept {
    std::size_t at = home(key);
    while (beginnings_[at].beginning != 0 && beginnings_[at].beginning != key)
      at = (at + 1) & (beginnings_.size() - 1);
    return at;
  }

  // Calls visit(bytes, first, last) for each range of entries with 2 ... kMostBytes bytes alike.
  template <class Visit>
  void for_each_beginning(Visit&& visit) const {
    for (std::size_t bytes = 2; bytes <= kMostBytes; ++bytes) {
      for (std::uint32_t i = 0, next; i < entries_.size(); i = next) {
        next = i + 1;
        if (entries_[i].text.size() < bytes) continue;
        const std::string_view same = entries_[i].text.substr(0, bytes);
        while (next < entries_.size() && entries_[next].text.starts_with(same)) ++next;
        visit(bytes, i, next);
      }
    }
  }

  void index_beginnings() {
    std::size_t count = 0;
    for_each_beginning([&](std::size_t, std::uint32_t, std::uint32_t) { ++count; });
    beginnings_.resize(std::bit_ceil(count + count / 2 + 1));
    for_each_beginning([&](std::size_t bytes, std::uint32_t first, std::uint32_t last) {
      const std::uint64_t key = beginning(entries_[first].text, bytes);
      slot(key) = {key, first, last};
    });
  }

  // The entries that have the most bytes in common with `text`, up to kMostBytes. `one`: those with the
  // first.
  Range alike(std::string_view text, Range one) const noexcept {
    Range best = one;
    const auto found = [&](std::size_t bytes) {
      if (text.size() < bytes) return false;
      const Slot& s = beginnings_[place(beginning(text, bytes))];
      if (s.beginning == 0) return false;
      best = {s.first, s.last, bytes};
      return true;
    };
    if (found(4)) {
      if (!found(6)) found(5);
    } else if (!found(3)) {
      found(2);
    }
    return best;
  }

  std::uint32_t search(std::string_view text, const Range& range) const {
    const auto first = entries_.begin() + range.first, last = entries_.begin() + range.last;
    const auto behind =
        std::upper_bound(first, last, text, [](std::string_view t, const Entry& e) { return t < e.text; });
    // What the first entry begins with, but no entry of the range, the text begins with too.
    if (behind == first) return starts_[range.first];
    auto entry = std::uint32_t(behind - entries_.begin()) - 1;
    const std::size_t common = common_length(text, entries_[entry].text);
    while (entry != kNone && entries_[entry].text.size() > common) entry = starts_[entry];
    return entry;
  }

  static std::size_t byte(std::string_view text, std::size_t at) noexcept { return std::uint8_t(text[at]); }
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
  std::vector<Slot> beginnings_;            // by the hash of their bytes; a power of two, or none
  std::array<std::uint32_t, 257> first_{};  // first entry whose text begins with a byte at least this
};

}  // namespace longhand
