// Cuts text into words before byte-pair merging.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/text/regex.h"
#include "loaders/vocab/pre_types.h"

namespace longhand {

class PreTokenizer {
 public:
  explicit PreTokenizer(std::span<const SplitPass> passes);

  /// Calls emit(word) for every word in order; the words make up `text`. Linear in the length of the text.
  template <class Emit>
  void split(std::string_view text, Emit&& emit) const {
    pass(0, text, emit);
  }

 private:
  struct Pass {
    SplitPass::Kind kind;
    Regex regex;
  };

  template <class Emit>
  void pass(std::size_t number, std::string_view text, Emit& emit) const {
    if (number == passes_.size()) return emit(text);
    const auto deeper = [&](std::string_view piece) { pass(number + 1, piece, emit); };
    if (passes_[number].kind == SplitPass::Kind::regex) {
      passes_[number].regex.split(text, deeper);
    } else {
      std::size_t begin = 0;
      for_each_digit_cut(passes_[number].kind, text, [&](std::size_t at) {
        if (at > begin) deeper(text.substr(begin, at - begin));
        begin = at;
      });
      if (begin < text.size()) deeper(text.substr(begin));
    }
  }

  // Ascending byte positions.
  static void for_each_digit_cut(SplitPass::Kind kind, std::string_view text,
                                 const std::function<void(std::size_t)>& cut);

  std::vector<Pass> passes_;
};

}  // namespace longhand
