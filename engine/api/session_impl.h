// What a Session is made of.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/api/access.h"
#include "engine/run/pass_runner.h"
#include "engine/run/sequence.h"
#include "engine/run/speculate/hidden_log.h"
#include "engine/run/speed_watch.h"
#include "engine/state/state_file.h"

namespace longhand {

struct Session::Impl {
  using VisitPosition = std::function<void(int, std::span<const float>)>;
  /// Who looks at the tokens of a feed, and at what. Nobody: the logits of the last one are kept.
  struct Viewer {
    VisitPosition visit = {};
    Want want = Want::logits;
    bool guesses = false;  // all but the first token are, and may be taken back
  };

  Impl(const Model& model, const SessionOptions& options);
  Impl(const Model& model, const SessionOptions& options, std::shared_ptr<PassRunner> shared);
  Impl(const Impl& other);

  /// Tokens computed at once.
  int batch() const noexcept { return std::min(sequence.sizes.batch, runner->rows()); }

  void feed(std::span<const Token> given, const Viewer& viewer);
  void feed(const Embeddings& given, const Viewer& viewer);
  /// Appends what append() does, and computes it.
  void extend(const std::function<void()>& append, const Viewer& viewer);
  void pretend(std::span<const Token> given);
  void compute_logits(int position);
  void catch_up(int size, const Viewer& viewer, int total);
  /// Tokens, or embeddings in their place (see Pass).
  struct Batch {
    std::span<const Token> tokens;
    const float* inputs = nullptr;
  };
  void run(const Slice& slice, const Batch& batch, const Viewer& viewer, bool last);
  /// A token took so long.
  void watch_speed(double seconds) noexcept;
  /// Back to the first `size` tokens.
  void take_back(std::size_t size);
  StateOwner owner() const;
  /// Throws Error: busy (there are tokens that were computed otherwise), no_memory; then nothing changes.
  void adapt(std::shared_ptr<const Adaptation> next);
  void restore(StateSource source);
  void stop_if(bool stopped) const;
  void refuse_reentry() const;
  void refuse_embeddings() const;
  /// In passes with others, where only tokens go in.
  void refuse_embeddings_to_compute() const;

  /// A callback of a feed that called back into the session would change what the feed still needs.
  struct Feeding {
    Impl& impl;
    explicit Feeding(Impl& i) : impl(i) { impl.feeding = true; }
    ~Feeding() { impl.feeding = false; }
  };

  Model model;
  Sequence sequence;
  std::shared_ptr<PassRunner> runner;
  std::vector<float> logits;  // (vocab) what the last call returned
  int logits_position = -1;   // whose logits they are
  std::atomic<bool> cancel{false};
  std::function<void(int, int)> progress;
  std::weak_ptr<HiddenLog> hidden_log;  // of a speculation that wants to know them
  SpeedWatch speed{double(sequence.options.min_speed)};
  bool feeding = false;
};

}  // namespace longhand
