// Words too long to merge at once.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/merger.h"
#include "loaders/vocab/vocab.h"

namespace longhand {

/// Longer words are merged in windows. What a window takes stays in the nearest caches.
inline constexpr std::size_t kLongWord = 1024;

/// Tokens of a word of any length, in windows: in time that grows as the word does, and with scratch for one
/// window.
///
/// Neighbouring pieces of a merged word are what merging the text of the two alone gives: merges within it
/// happen in the same order whatever stands around, as long as none leads across its ends. The other way
/// round, pieces of which each two neighbours are so are the pieces of the whole word: the first merge across
/// one of their borders would be made in the text of the two alone, too. So pieces of a window stand, but for
/// some at its end, if the next window, which begins where they end, begins with a piece that is so with the
/// last of them. Where it is not, the window before has to be longer.
template <class Merge, class Emit>
class LongWord {
 public:
  /// merge(part, merger) merges a part of the word; emit(symbol, text) appends the tokens of one piece to
  /// `out`.
  LongWord(std::string_view word, Merge merge, Emit emit, std::vector<Token>& out)
      : word_(word), merge_(std::move(merge)), emit_(std::move(emit)), out_(out) {}

  void encode(Merger& merger) {
    windows_ = {{0, 0, kWindow, out_.size()}};
    for (;;) {
      Window& window = windows_.back();
      const std::string_view text = word_.substr(window.begin, window.size);
      merge_(text, merger);
      if (window.begin > 0 && !fits(window, merger)) {
        windows_.pop_back();
        out_.resize(windows_.back().tokens);
        windows_.back().size *= 2;
        continue;
      }
      const bool last = window.begin + text.size() == word_.size();
      const Kept kept = keep(text, last ? text.size() : text.size() - text.size() / 8, merger);
      if (last) return;
      if (kept.end == 0) {
        window.size *= 2;
      } else {
        windows_.push_back({window.begin + kept.end, window.begin + kept.begin, kWindow, out_.size()});
      }
    }
  }

 private:
  static constexpr std::size_t kWindow = kLongWord / 2;
  struct Window {
    std::size_t begin;
    std::size_t previous;  // where the piece before it begins
    std::size_t size;
    std::size_t tokens;  // in `out` before it
  };
  struct Kept {
    std::size_t begin = 0, end = 0;  // of the last piece, in the window
  };

  bool fits(const Window& window, const Merger& merger) {
    const std::size_t border = window.begin - window.previous, end = border + merger[0].next;
    merge_(word_.substr(window.previous, end), pair_);
    return pair_[0].next == border && pair_[std::uint32_t(border)].next == end;
  }

  // Emits the pieces that end at `most` or before.
  Kept keep(std::string_view text, std::size_t most, const Merger& merger) {
    Kept kept;
    merger.for_each([&](SymbolId symbol, std::size_t begin, std::size_t end) {
      if (end > most) return;
      emit_(symbol, text.substr(begin, end - begin));
      kept = {begin, end};
    });
    return kept;
  }

  std::string_view word_;
  Merge merge_;
  Emit emit_;
  std::vector<Token>& out_;
  std::vector<Window> windows_;  // all so far, should one have to be longer
  Merger pair_;
};

}  // namespace longhand
