// longhand: many requests answered at once, for programs that serve others; to be included beside
// engine/longhand.h.
//
//   longhand::Scheduler scheduler(model);
//   scheduler.submit({.prompt = model.encode("Once upon a time"), .sampler = longhand::Sampler(model)},
//                    {.on_text = [](std::string_view text) { std::cout << text; return true; }});
//   scheduler.wait_idle();
//
// Errors are those of engine/longhand.h. A scheduler may be used by any number of threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/longhand.h"
#include "engine/types/scheduler_options.h"

namespace longhand {

/// What is asked of a model.
struct Request {
  std::vector<Token> prompt;
  Sampler sampler;                      ///< of this request alone; the prompt is shown to it by submit()
  int max_tokens = -1;                  ///< -1: until the model ends or the context is full
  std::vector<std::string> stop = {};   ///< the text ends before the first of these
  std::vector<Token> written_out = {};  ///< control tokens that are part of the text
  int top_log_probabilities = -1;       ///< as in GenerateOptions
  int priority = 0;                     ///< of those that wait, higher ones come first
  /// In place of those of SchedulerOptions::session; its control vectors stay.
  std::optional<std::vector<AdapterUse>> adapters = {};
  /// Guesses at the next tokens are made while nobody else is answered; the text is the same (Speculation).
  std::optional<SpeculationOptions> speculation = {};
};

/// How far the prompt was read.
struct ReadingProgress {
  int total = 0;   ///< tokens of the prompt
  int cached = 0;  ///< of them those that were there already
  int read = 0;    ///< those and what was read since
};

/// How an answer ended.
struct RequestResult {
  StopReason reason = StopReason::end_of_generation;
  std::exception_ptr error = {};  ///< set where it failed instead
  std::string stop = {};          ///< the stop string that ended it
  int prompt_tokens = 0;
  int cached_tokens = 0;   ///< of the prompt: an earlier text began with them, and they were not read again
  int written_tokens = 0;  ///< without the one that ended the text
  int guesses = 0;         ///< at tokens, and those of them that came true
  int right_guesses = 0;
  double wait_seconds = 0, prompt_seconds = 0, write_seconds = 0;
};

/// Called from the scheduler's thread, which computes for everybody: they must return soon, and may use the
/// scheduler's cancel() and status() only.
struct RequestListener {
  std::function<void(const ReadingProgress&)> on_reading = {};  ///< after each pass with a part of the prompt
  /// Each token before its text; false ends the answer behind it.
  std::function<bool(const TokenStep&)> on_token = {};
  /// Whole characters, once they are certain not to begin a stop string; false ends the answer.
  std::function<bool(std::string_view)> on_text = {};
  /// Last of all, once for every request that was taken.
  std::function<void(const RequestResult&)> on_end = {};
};

/// What a scheduler is doing.
struct SchedulerStatus {
  struct Slot {
    std::uint64_t request = 0;  ///< 0: it is free
    int prompt_tokens = 0, read_tokens = 0, cached_tokens = 0, written_tokens = 0;
  };
  std::vector<Slot> slots;  ///< SchedulerOptions::parallel of them
  int waiting = 0;
  int context = 0;     ///< tokens a request may have, answer and all
  int kept_texts = 0;  ///< finished texts in the cache
  std::uint64_t kept_bytes = 0;
  // Of all requests so far:
  std::uint64_t requests = 0, prompt_tokens = 0, cached_tokens = 0, written_tokens = 0, passes = 0;
  double prompt_seconds = 0, write_seconds = 0;  ///< sums over requests, which overlap
};

/// Answers requests together, in a thread of its own: their tokens go through the layers side by side, so
/// that weights are read once for all, and prompts are read in parts beside answers that are being written.
/// With f32 caches an answer is, bit for bit, what it would be if nobody else asked.
///
/// The texts of finished requests are kept, and a request whose prompt begins like one of them, or like one
/// that is being answered, goes on from there, if both have the same adapters. With
/// SchedulerOptions::disk they are also written to files, in the background, which schedulers of the same
/// model and options find later. Whatever befalls those files, a request is answered all the same.
class LONGHAND_API Scheduler {
 public:
  /// Throws Error as Runner and Session do; io: the folder for texts cannot be made.
  explicit Scheduler(const Model& model, const SchedulerOptions& options = {});
  /// Cancels what is left, and waits for texts to be written to their files.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Takes a request and returns its number, which is never 0. Throws Error, and then nothing is called: busy
  /// (as many wait as may, or the scheduler closes), context_full (with the numbers), range (token ids, no
  /// tokens), no_memory; of its adapters as Session::set_adapters().
  std::uint64_t submit(Request request, RequestListener listener = {});
  /// The request ends as cancelled after the pass under way; one that has ended, or is unknown, is left
  /// alone.
  void cancel(std::uint64_t request) noexcept;
  /// No requests are taken any more; those that were go on.
  void close() noexcept;
  /// True once nothing is computed and nobody waits; false after `time`.
  bool wait_idle(std::chrono::milliseconds time = std::chrono::hours(24 * 365)) const;

  SchedulerStatus status() const;
  int context() const noexcept;           ///< tokens a request may have, answer and all
  bool context_was_cut() const noexcept;  ///< memory, not the model, set that
  const Model& model() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhand
