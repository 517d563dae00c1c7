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
/// neighbouring slots and no text, and one that finds a text of up to eight bytes does not touch that either.
/// The texts stay with their owner.
class TextIndex {
 public:
  explicit TextIndex(std::size_t expected = 0) : slots_(std::bit_ceil(expected + expected / 2 + 16)) {
    entries_.reserve(expected);
  }

  /// The number of `text`, or -1.
  std::int32_t find(std::string_view text) const noexcept {
    const Slot& slot = slots_[place(text, head(text), hash(text))];
    return slot.entry == kFree ? -1 : entries_[slot.entry].number;
  }

  /// Gives `text` a number unless it has one. The number it has now, and whether that is new.
  std::pair<std::int32_t, bool> insert(std::string_view text, std::int32_t number) {
    if (entries_.size() + entries_.size() / 2 >= slots_.size()) grow();
    const std::uint64_t h = hash(text);
    Slot& slot = slots_[place(text, head(text), h)];
    if (slot.entry != kFree) return {entries_[slot.entry].number, false};
    slot = {tag(h), std::uint32_t(entries_.size())};
    entries_.push_back({head(text), text, number});
    return {number, true};
  }

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t entry = kFree;
  };
  struct Entry {
    std::uint64_t head;
    std::string_view text;
    std::int32_t number;
  };

  template <class Word>
  static std::uint64_t load(const char* from) noexcept {
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
  }
  // All bytes of a text of up to eight bytes, overlapping where that saves a loop; of a longer one
  // the first eight.
  static std::uint64_t head(std::string_view text) noexcept {
    const std::size_t n = text.size();
    const char* p = text.data();
    if (n >= 8) return load<std::uint64_t>(p);
    if (n >= 4) return load<std::uint32_t>(p) << 32 | load<std::uint32_t>(p + n - 4);
    if (n == 0) return 0;
    return load<std::uint8_t>(p) << 16 | load<std::uint8_t>(p + n / 2) << 8 | load<std::uint8_t>(p + n - 1);
  }
  static std::uint64_t mix(std::uint64_t h, std::uint64_t word) noexcept {
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
  }
  static std::uint64_t hash(std::string_view text) noexcept {
    std::uint64_t h = mix(text.size(), head(text));
    for (std::size_t at = 8; at + 8 < text.size(); at += 8) h = mix(h, load<std::uint64_t>(text.data() + at));
    if (text.size() > 8) h = mix(h, load<std::uint64_t>(text.data() + text.size() - 8));
    return h;
  }
  static std::uint32_t tag(std::uint64_t h) noexcept { return std::uint32_t(h >> 32); }

  // The slot that holds `text`, or the free one where it belongs.
  std::size_t place(std::string_view text, std::uint64_t text_head, std::uint64_t h) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = h & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.entry == kFree) return at;
      if (slot.tag != tag(h)) continue;
      const Entry& entry = entries_[slot.entry];
      if (entry.head != text_head || entry.text.size() != text.size()) continue;
      if (text.size() <= 8 || entry.text == text) return at;
    }
  }

  void grow() {
    slots_.assign(slots_.size() * 2, {});
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      const std::uint64_t h = hash(entries_[i].text);
      slots_[place(entries_[i].text, entries_[i].head, h)] = {tag(h), i};
    }
  }

  std::vector<Slot> slots_;  // a power of two, at most two thirds full
  std::vector<Entry> entries_;
};

}  // namespace longhand
