// Finds numbers by text: token texts to ids.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace longhand {

/// Open-addressing hash table. Most look-ups of tokenizers fail; a failing one touches one or two
/// neighbouring slots and no text. The texts stay with their owner.
class TextIndex {
 public:
  explicit TextIndex(std::size_t expected = 0) : slots_(std::bit_ceil(expected * 2 + 16)) {}

  /// The number of `text`, or -1.
  std::int32_t find(std::string_view text) const noexcept {
    const std::uint64_t h = hash(text);
    const Slot& slot = slots_[place(text, h)];
    return slot.entry == kFree ? -1 : entries_[slot.entry].second;
  }

  /// Gives `text` a number unless it has one. The number it has now, and whether that is new.
  std::pair<std::int32_t, bool> insert(std::string_view text, std::int32_t number) {
    if (entries_.size() * 2 >= slots_.size()) grow();
    const std::uint64_t h = hash(text);
    Slot& slot = slots_[place(text, h)];
    if (slot.entry != kFree) return {entries_[slot.entry].second, false};
    slot = {tag(h), static_cast<std::uint32_t>(entries_.size())};
    entries_.emplace_back(text, number);
    return {number, true};
  }

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t entry = kFree;
  };

  static std::uint64_t mix(std::uint64_t h, std::uint64_t word) noexcept {
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
  }
  static std::uint64_t hash(std::string_view text) noexcept {
    std::uint64_t h = text.size();
    std::uint64_t word = 0;
    while (text.size() >= sizeof word) {
      std::memcpy(&word, text.data(), sizeof word);
      h = mix(h, word);
      text.remove_prefix(sizeof word);
    }
    word = 0;
    for (const char c : text) word = word << 8 | static_cast<unsigned char>(c);
    h = mix(h, word);
    return mix(h, h >> 32);
  }
  static std::uint32_t tag(std::uint64_t h) noexcept { return static_cast<std::uint32_t>(h >> 32); }

  // The slot that holds `text`, or the free one where it belongs.
  std::size_t place(std::string_view text, std::uint64_t h) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = h & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.entry == kFree || (slot.tag == tag(h) && entries_[slot.entry].first == text)) return at;
    }
  }

  void grow() {
    slots_.assign(slots_.size() * 2, {});
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      const std::uint64_t h = hash(entries_[i].first);
      slots_[place(entries_[i].first, h)] = {tag(h), i};
    }
  }

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::vector<std::pair<std::string_view, std::int32_t>> entries_;
};

}  // namespace longhand
