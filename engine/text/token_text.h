// Tokens back to text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loaders/vocab/vocab.h"

namespace longhand {

/// The bytes of every token, decoded once from how the kind of vocabulary writes them.
class TokenTexts {
 public:
  explicit TokenTexts(const Vocab& vocab);
  std::string_view operator[](Token token) const noexcept {
    const auto i = std::size_t(token);
    return std::string_view(bytes_).substr(ends_[i], ends_[i + 1] - ends_[i]);
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;  // (vocab + 1) ends_[i + 1] is the end of token i in bytes_
};

/// Removes the spaces that tokenizers of older models put before punctuation and contractions, in the
/// style of "do n't .".
std::string clean_up_spaces(std::string_view text);

}  // namespace longhand
