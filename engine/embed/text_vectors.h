// Vectors of many texts, computed in passes that many of them share.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/embed/text_pool.h"
#include "engine/run/pass_runner.h"
#include "engine/run/sizes.h"
#include "engine/state/states.h"
#include "engine/types/embed_options.h"

namespace longhand {

/// What a model makes of texts under some options.
class VectorMaker {
 public:
  /// Throws Error: range, no_memory, unsupported (scores without a classifier).
  VectorMaker(const ModelData& model, const EmbedOptions& options);

  using Texts = std::span<const std::vector<Token>>;
  using Visit = std::function<void(std::size_t text, std::span<const float> vectors)>;
  using Progress = std::function<void(int done, int total)>;
  /// See Embedder::embed().
  void run(Texts texts, const std::atomic<bool>& cancel, const Visit& visit, const Progress& progress);

  Pooling pooling() const noexcept { return pooling_; }
  int context() const noexcept { return sizes_.context; }
  int width() const noexcept;

 private:
  /// A text whose tokens are not all computed.
  struct Open {
    std::size_t number;
    std::unique_ptr<States> states;
    TextPool pool;
    int done = 0;                // tokens
    std::vector<float> vectors;  // (rows, width) so far
  };
  /// Tokens of open texts that go through the layers together.
  struct Batch {
    std::vector<Slice> slices;
    std::vector<Token> tokens;
  };

  void check(Texts texts) const;
  Open open(Texts texts, std::size_t number) const;
  Batch next_batch(Texts texts);
  void fit(const Batch& batch);
  void take(Texts texts, const Batch& batch);
  void read_head(std::span<const float> states, std::span<const std::size_t> rows_of_slice);
  void close(Texts texts, const Visit& visit);

  const ModelData& model_;
  EmbedOptions options_;
  SessionSizes sizes_;
  std::shared_ptr<const Adaptation> adaptation_;  // null: the model as it is
  PositionPlan positions_;
  Pooling pooling_;
  PassRunner runner_;
  std::deque<Open> open_;  // in the order of the texts
  std::size_t next_ = 0;   // the first text that is not open yet
};

}  // namespace longhand
