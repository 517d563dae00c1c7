// A model's prediction layer at work: a sequence of its own, whose tokens come with the hidden states before
// them (see loaders/model/next_head.h).
#pragma once

#include <span>
#include <vector>

#include "engine/forward/model.h"
#include "engine/run/pass_runner.h"
#include "engine/run/sequence.h"

namespace longhand {

class NextHeadRun {
 public:
  /// `model` must outlive it. Throws Error: unsupported (the model has no prediction layer that can be run),
  /// what loading throws, range, no_memory.
  NextHeadRun(const ModelData& model, const SessionOptions& options);

  int size() const noexcept { return int(sequence_.tokens.size()); }
  int context() const noexcept { return sequence_.sizes.context; }
  void go_back(int size);
  /// Feeds tokens, and of each the final hidden state (tokens, hidden) of the token before it. Throws Error
  /// as Session::feed does.
  void feed(std::span<const Token> tokens, const float* hidden);
  /// Of the last token fed: the logits (vocab) of the token after it, and its final hidden state.
  std::span<const float> logits() const noexcept { return logits_; }
  std::span<const float> hidden() const noexcept { return hidden_; }

 private:
  static ModelCore load(const ModelData& model, int threads);

  const ModelCore core_;
  Sequence sequence_;
  PassRunner runner_;
  std::vector<float> logits_, hidden_, rows_;  // rows_: (batch, hidden)
};

}  // namespace longhand
