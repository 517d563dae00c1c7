// A request on its way from the queue to its end.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "engine/adapt/adaptation.h"
#include "engine/api/answer_text.h"
#include "engine/api/verifier.h"
#include "engine/longhand_serve.h"
#include "engine/serve/disk_cache.h"

namespace longhand {

/// Belongs to the scheduler's thread once it was taken from the queue, but for `cancelled`.
class Running {
 public:
  using Clock = std::chrono::steady_clock;

  Running(std::uint64_t number, Request request, RequestListener listener,
          std::shared_ptr<const Adaptation> with);

  /// Goes on from a session that holds `cached` tokens of the prompt.
  void begin(Session session, int cached);
  /// Tokens it wants to feed: what is left of its prompt, or the token drawn last.
  std::span<const Token> wanted() const noexcept;
  bool reading() const noexcept { return fed_ < int(request.prompt.size()); }
  /// The first `n` of those tokens were fed, all or none of them by now. False: the answer has ended, because
  /// the listener failed.
  bool was_fed(int n);
  /// The session has the logits after the last token: draws the next. False: the answer has ended, see
  /// result().
  bool draw();
  /// Whether guesses are wanted at what comes next.
  bool guesses() const noexcept { return request.speculation && !reading(); }
  /// What guesses for a session. Throws as Speculation does.
  using MakeGuesses =
      std::function<std::shared_ptr<Speculation>(const Session& session, const SpeculationOptions& how)>;
  /// Feeds the token drawn last, by itself but for guesses at those after it, and draws the next. False as
  /// draw(). Where memory is too short for guesses, none are made any more, and nothing was fed. Throws as
  /// Session::feed() does.
  bool go_on_alone(const MakeGuesses& make);
  /// The session is as if there had been no guesses, and others may use it.
  void stop_guessing() noexcept;
  /// Ends the answer; the listener is told its last text.
  void end(StopReason reason, std::exception_ptr error = {});
  /// Tells the listener that it has ended.
  void tell_end() const noexcept;

  SchedulerStatus::Slot slot() const noexcept;
  const RequestResult& result() const noexcept { return result_; }

  const std::uint64_t number;
  Request request;
  const std::shared_ptr<const Adaptation> adaptation;  // null: the model as it is
  std::atomic<bool> cancelled{false};
  std::optional<Session> session;
  std::shared_ptr<DiskText> fetched;  // what the disk has of the prompt
  bool asked_disk = false;            // nothing more comes from there

 private:
  bool draw_from(std::span<const float> logits, int size);
  bool give_up_guessing() noexcept;

  RequestListener listener_;
  AnswerText answer_;
  RequestResult result_;
  int fed_ = 0;           // of the prompt
  bool writing_ = false;  // the prompt was read
  Token next_ = 0;
  std::shared_ptr<Speculation> speculation_;  // null until it is first used
  std::optional<Verifier> verifier_;          // while guesses are made
  Clock::time_point since_ = Clock::now();    // of waiting, then of reading, then of writing
};

}  // namespace longhand
