// Cuts special tokens out of text before anything else looks at it.
#pragma once

#include <string_view>
#include <vector>

#include "engine/text/prefix_index.h"
#include "loaders/vocab/vocab.h"

namespace longhand {

class SpecialTokens {
 public:
  /// Plain text, or one token.
  struct Fragment {
    std::string_view text;  // plain text; unused for a token
    Token token = kNoToken;
  };

  /// `vocab` must outlive this.
  explicit SpecialTokens(const Vocab& vocab);

  /// `parse_special`: also control tokens; otherwise only user-defined ones. Where tokens overlap, a longer
  /// one wins over a shorter one wherever it begins, then the lower id, then the one further left.
  std::vector<Fragment> split(std::string_view text, bool parse_special) const;

 private:
  struct Set {
    PrefixIndex index;
    std::vector<std::uint32_t> order;  // (entries) place of an entry among all, the winner of overlaps first
    std::vector<std::uint32_t> entries;         // the inverse
    std::vector<bool> strip_left, strip_right;  // (entries)
  };
  class Cutter;
  static Set make_set(const Vocab& vocab, bool control);

  Set user_defined_, all_;
};

}  // namespace longhand
