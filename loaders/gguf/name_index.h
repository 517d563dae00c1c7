// Finds entries of a directory by name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace longhand {

/// Positions of entries, sorted by hash of the name and then by name: a lookup compares numbers, and equal
/// hashes, which a crafted file can provoke at will, cost no more than sorting by name. The entries stay with
/// the owner, who passes the same ones every time.
template <class Entry, std::string_view Entry::*name>
class NameIndex {
 public:
  NameIndex() = default;
  explicit NameIndex(std::span<const Entry> entries) {
    slots_.reserve(entries.size());
    for (const Entry& entry : entries) {
      slots_.push_back({hash(entry.*name), std::uint32_t(slots_.size())});
    }
    std::ranges::sort(slots_, [&](const Slot& a, const Slot& b) {
      if (a.hash != b.hash) return a.hash < b.hash;
      const int order = (entries[a.entry].*name).compare(entries[b.entry].*name);
      return order != 0 ? order < 0 : a.entry < b.entry;
    });
  }

  const Entry* find(std::span<const Entry> entries, std::string_view wanted) const noexcept {
    const std::uint32_t wanted_hash = hash(wanted);
    const auto at = std::partition_point(slots_.begin(), slots_.end(), [&](const Slot& slot) {
      return slot.hash != wanted_hash ? slot.hash < wanted_hash : entries[slot.entry].*name < wanted;
    });
    return at != slots_.end() && entries[at->entry].*name == wanted ? &entries[at->entry] : nullptr;
  }

  /// The first entry whose name an earlier one has already.
  std::optional<std::uint32_t> first_duplicate(std::span<const Entry> entries) const noexcept {
    std::optional<std::uint32_t> first;
    for (std::size_t i = 1; i < slots_.size(); ++i) {
      const Slot &before = slots_[i - 1], &slot = slots_[i];
      if (before.hash != slot.hash || entries[before.entry].*name != entries[slot.entry].*name) continue;
      first = std::min(first.value_or(slot.entry), slot.entry);
    }
    return first;
  }

 private:
  struct Slot {
    std::uint32_t hash;
    std::uint32_t entry;
  };
  static std::uint32_t hash(std::string_view text) noexcept {
    return std::uint32_t(std::hash<std::string_view>{}(text));
  }
  std::vector<Slot> slots_;
};

}  // namespace longhand
