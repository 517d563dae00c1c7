// How many guesses are worth their cost.
#pragma once

#include <array>
#include <vector>

namespace longhand {

/// The least of the last few measurements: what other programs do only makes things slower.
class Cost {
 public:
  void add(double seconds) noexcept;
  int count() const noexcept { return count_; }
  double seconds() const noexcept;  // 0 where unknown

 private:
  std::array<double, 5> last_{};
  int count_ = 0;
};

/// With a share a of the guesses coming true, g guesses give 1 + a + ... + a^g tokens in the time of a batch
/// of g + 1 and of making the guesses. The best g is used while it beats single tokens. Otherwise nothing is
/// guessed for a while, and a longer one each time; then one attempt shows whether the text has changed.
class Pace {
 public:
  /// `most`: guesses at once, at least 1.
  explicit Pace(int most);

  /// Guesses to make along with the next token; 0: none.
  int length() noexcept;
  /// A batch of so many tokens, guesses and all, was computed.
  void fed(int tokens, double seconds) noexcept;
  /// So many guesses were made.
  void guessed(int guesses, double seconds) noexcept;
  /// A guess came true, or did not. Those after a wrong one say nothing.
  void judged(bool right) noexcept;

 private:
  struct Choice {
    int length;
    double rate;  // tokens a second
  };
  Choice best() const noexcept;

  struct Rung {
    int length;
    Cost batch;
  };
  std::vector<Rung> rungs_;  // lengths tried: 1, 3, 7, ... so that batches fill the kernels' columns
  Cost single_, guess_;
  double share_;
  int since_single_ = 0;  // batches with guesses
  int pause_, left_ = 0;  // tokens of the next pause, and left of this one
  int attempts_ = 0;      // batches with guesses since the last pause
};

}  // namespace longhand
