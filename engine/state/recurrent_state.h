// What a recurrent block remembers of a sequence: the last inputs of its convolution, and numbers that every
// token changes. It stands at one position; checkpoints take it back.
#pragma once

#include "engine/state/layer_state.h"
#include "ops/buffer.h"

namespace longhand {

class RecurrentState final : public LayerState {
 public:
  /// Floats of the convolution's inputs and of the rest.
  RecurrentState(std::int64_t inputs, std::int64_t values) noexcept : inputs_(inputs), values_(values) {}

  float* inputs() const noexcept { return buffer_.as<float>(); }
  float* values() const noexcept { return buffer_.as<float>() + inputs_; }
  /// The tokens before `position` have been taken in. Called by one worker.
  void advance(int position) noexcept { at_ = position; }

  std::uint64_t bytes() const noexcept override { return buffer_bytes() + sizeof at_; }
  void reserve() override { buffer_ = Buffer(buffer_bytes()); }
  bool reaches(int size, int) const noexcept override { return at_ == size; }
  void live(int, const VisitBytes& visit) override {
    visit(reinterpret_cast<std::byte*>(&at_), sizeof at_);
    visit(buffer_.data(), buffer_bytes());
  }
  std::uint64_t most_live() const noexcept override { return bytes(); }
  void clear() noexcept override;
  void held(int size, int, const VisitBytes& visit) override { live(size, visit); }
  bool sound(int size) const noexcept override { return at_ == size; }

 private:
  std::size_t buffer_bytes() const noexcept { return std::size_t(inputs_ + values_) * sizeof(float); }

  std::int64_t inputs_, values_;
  int at_ = 0;
  Buffer buffer_;
};

}  // namespace longhand
