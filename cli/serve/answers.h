// Requests under way, followed from the thread that serves a client.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/longhand_serve.h"

namespace longhand::cli {

/// What a request was told.
struct AnswerPart {
  enum class Kind { reading, text, end } kind = Kind::text;
  std::size_t index = 0;  ///< of the request
  ReadingProgress progress = {};
  std::string text = {};
  std::vector<TokenStep> steps =
      {};                     ///< of `text` and, at the end, of what has none; where they were asked for
  RequestResult result = {};  ///< at the end
};

/// Cancels what has not ended when it goes.
class Answers {
 public:
  explicit Answers(Scheduler& scheduler) : scheduler_(scheduler), parts_(std::make_shared<Parts>()) {}
  ~Answers();
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

  /// Throws Error as Scheduler::submit().
  void add(Request request);

  /// Hands out parts until all have ended. False: the client has gone, or `take` wants no more; the rest is
  /// cancelled. `quiet` is called now and then while nothing comes, and says whether to go on.
  struct Follower {
    std::function<bool()> alive;
    std::function<bool(AnswerPart&)> take;
    std::function<bool()> quiet = {};
  };
  bool follow(const Follower& follower);

 private:
  // What the scheduler's thread leaves for the client's.
  struct Parts {
    std::mutex mutex;
    std::condition_variable more;
    std::deque<AnswerPart> waiting;
    void add(AnswerPart part);
  };
  // Whether all have ended and all was told.
  bool ended() const noexcept { return open_ == 0; }
  // What comes next; nothing where it does not come in time.
  std::optional<AnswerPart> next(std::chrono::milliseconds time);
  void cancel() noexcept;

  Scheduler& scheduler_;
  std::shared_ptr<Parts> parts_;
  std::vector<std::uint64_t> numbers_;
  std::size_t open_ = 0;
};

}  // namespace longhand::cli
