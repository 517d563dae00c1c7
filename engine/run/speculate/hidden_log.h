// The final hidden states of the last tokens that a session computed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace longhand {

class HiddenLog {
 public:
  /// Of `hidden` values each, for the last `most` tokens. Throws std::bad_alloc.
  HiddenLog(int hidden, int most)
      : hidden_(std::size_t(hidden)), most_(most), kept_(hidden_ * std::size_t(most)) {}

  /// Where to put the states of the next `rows` tokens, for take(). Throws std::bad_alloc.
  float* room(int rows) {
    next_.resize(std::max(next_.size(), std::size_t(rows) * hidden_));
    return next_.data();
  }
  /// Takes in those of tokens [position, position + rows). What it knew of later ones is no more.
  void take(int position, int rows) noexcept {
    if (position < begin_ || position > end_) begin_ = position;
    for (int i = std::max(0, rows - most_); i < rows; ++i)
      std::copy_n(next_.data() + std::size_t(i) * hidden_, hidden_, place(position + i));
    end_ = position + rows;
    begin_ = std::max(begin_, end_ - most_);
  }

  /// It knows tokens [begin(), end()).
  int begin() const noexcept { return begin_; }
  int end() const noexcept { return end_; }
  const float* at(int position) const noexcept { return const_cast<HiddenLog*>(this)->place(position); }

 private:
  float* place(int position) noexcept { return kept_.data() + std::size_t(position % most_) * hidden_; }

  std::size_t hidden_;
  int most_, begin_ = 0, end_ = 0;
  std::vector<float> kept_, next_;
};

}  // namespace longhand
