// Merging neighbouring symbols, best pair first: the common core of byte-pair and SentencePiece tokenizers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace longhand {

using SymbolId = std::int32_t;
inline constexpr SymbolId kNoSymbol = -1;

/// What becomes of a pair: the lowest priority is merged first, ties from the left.
struct PairMerge {
  static constexpr std::uint32_t kNever = ~std::uint32_t{0};
  std::uint32_t priority = kNever;
  SymbolId result = kNoSymbol;
};

/// Scratch for one word at a time, reused from word to word. O(n log n) in the length of the word.
class Merger {
 public:
  struct Piece {
    SymbolId symbol;
    std::uint32_t previous, next;  // places in the word; the last piece's next is the word's size
    PairMerge merge;               // of this piece with the next
  };

  /// Begins a word of `bytes` bytes. A piece's place is the byte where it begins.
  void start(std::size_t bytes) {
    if (pieces_.size() < bytes) pieces_.resize(bytes);
    end_ = last_ = 0;
    size_ = std::uint32_t(bytes);
  }
  /// Appends the next `bytes` bytes of the word as one symbol.
  void add(SymbolId symbol, std::size_t bytes) {
    const std::uint32_t next = end_ + std::uint32_t(bytes);
    pieces_[end_] = {symbol, last_, next, {}};
    last_ = end_;
    end_ = next;
  }

  const Piece& operator[](std::uint32_t place) const noexcept { return pieces_[place]; }
  std::uint32_t size() const noexcept { return size_; }

  /// Merges until nothing can be merged. find(left, right) gives the PairMerge of the pieces at two places.
  template <class Find>
  void run(Find&& find) {
    for (std::uint32_t at = 0; at < size_; at = pieces_[at].next) look_up(at, find);
    if (size_ <= kShort) {
      run_short(find);
    } else {
      run_long(find);
    }
  }

  /// Calls visit(symbol, begin, end) for every piece in order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t at = 0; at < size_; at = pieces_[at].next)
      visit(pieces_[at].symbol, at, pieces_[at].next);
  }

 private:
  // Up to here looking through all pieces beats keeping a heap.
  static constexpr std::uint32_t kShort = 40;

  template <class Find>
  void look_up(std::uint32_t at, Find& find) {
    Piece& piece = pieces_[at];
    piece.merge = piece.next < size_ ? find(at, piece.next) : PairMerge{};
  }

  template <class Find>
  void apply(std::uint32_t at, Find& find) {
    Piece& left = pieces_[at];
    Piece& right = pieces_[left.next];
    left.symbol = left.merge.result;
    left.next = right.next;
    right.merge = {};
    if (left.next < size_) pieces_[left.next].previous = at;
    look_up(at, find);
    if (at != 0) look_up(left.previous, find);
  }

  template <class Find>
  void run_short(Find& find) {
    for (;;) {
      std::uint32_t best = 0;
      for (std::uint32_t at = 0; at < size_; at = pieces_[at].next) {
        if (pieces_[at].merge.priority < pieces_[best].merge.priority) best = at;
      }
      if (size_ == 0 || pieces_[best].merge.priority == PairMerge::kNever) return;
      apply(best, find);
    }
  }

  template <class Find>
  void run_long(Find& find) {
    const auto key = [&](std::uint32_t at) { return std::uint64_t{pieces_[at].merge.priority} << 32 | at; };
    const auto push = [&](std::uint32_t at) {
      if (pieces_[at].merge.priority == PairMerge::kNever) return;
      heap_.push_back(key(at));
      std::ranges::push_heap(heap_, std::greater{});
    };
    heap_.clear();
    for (std::uint32_t at = 0; at < size_; at = pieces_[at].next) {
      if (pieces_[at].merge.priority != PairMerge::kNever) heap_.push_back(key(at));
    }
    std::ranges::make_heap(heap_, std::greater{});
    while (!heap_.empty()) {
      std::ranges::pop_heap(heap_, std::greater{});
      const std::uint64_t top = heap_.back();
      heap_.pop_back();
      const auto at = std::uint32_t(top);
      if (key(at) != top) continue;  // an earlier merge took one of the two
      apply(at, find);
      push(at);
      if (at != 0) push(pieces_[at].previous);
    }
  }

  std::vector<Piece> pieces_;        // (bytes of the word)
  std::vector<std::uint64_t> heap_;  // priority, place; may hold outdated entries
  std::uint32_t size_ = 0, end_ = 0, last_ = 0;
};

}  // namespace longhand
