// Prompt lookup: summaries, corrections, code and lists repeat what was written before.

#include <algorithm>
#include <vector>

#include "engine/run/speculate/guesser.h"

namespace longhand {
namespace {

// Tokens that must be the same for their continuation to be a guess. Single tokens repeat by chance; among
// occurrences of four or more, the latest is as good as the longest.
constexpr int kLeast = 2, kEnough = 4;

class Lookup final : public Guesser {
 public:
  std::span<const Token> propose(std::span<const Token> text, Token next, int most) override {
    guesses_.clear();
    const int from = latest(text, next);
    if (from < 0) return guesses_;
    // Where the repetition reaches up to the end of the text, it goes on in its own guesses.
    const int size = int(text.size());
    for (int i = from; int(guesses_.size()) < most; ++i) {
      guesses_.push_back(i < size    ? text[std::size_t(i)]
                         : i == size ? next
                                     : guesses_[std::size_t(i - size - 1)]);
    }
    return guesses_;
  }

 private:
  // Position after the occurrence that agrees with the end of the text for most tokens, up to kEnough; the
  // latest of them; -1 when none agrees for kLeast. One comparison for most tokens of the text, which is
  // nothing beside computing one.
  static int latest(std::span<const Token> text, Token next) {
    const int size = int(text.size());
    int longest = kLeast - 1, found = -1;
    for (int end = size - 1; end >= longest && longest < kEnough; --end) {
      if (text[std::size_t(end)] != next) continue;
      int same = 1;
      while (same < kEnough && same <= end && text[std::size_t(end - same)] == text[std::size_t(size - same)])
        ++same;
      if (same <= longest) continue;
      longest = same;
      found = end + 1;
    }
    return found;
  }

  std::vector<Token> guesses_;
};

}  // namespace

std::unique_ptr<Guesser> make_lookup() { return std::make_unique<Lookup>(); }

}  // namespace longhand
