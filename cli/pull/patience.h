// How long a download goes on trying.
#pragma once

#include <string>

#include "cli/pull/http.h"

namespace longhand::cli {

class Patience {
 public:
  /// `what` is downloaded, in messages; `denied`: what to tell whoever may not read it.
  Patience(std::string what, std::string denied) : what_(std::move(what)), denied_(std::move(denied)) {}

  /// Something has come since the last failure.
  void progress() noexcept {
    failures_ = 0;
    heard_ = true;
  }
  /// After a request without a whole answer: returns when it is time to ask again, at once where the last try
  /// brought something. `tell` gets what to tell where that takes a while. Throws Error where asking again is
  /// of no use: io, missing (status 404), cancelled (a signal).
  template <class Tell>
  void wait(const WebRequest& request, const WebReply& reply, const Tell& tell) {
    const int seconds = seconds_after(request, reply);
    if (seconds > 0) tell(why(reply) + "; trying again in " + std::to_string(seconds) + " s");
    sleep(seconds);
  }

 private:
  int seconds_after(const WebRequest& request, const WebReply& reply);
  std::string why(const WebReply& reply) const;
  static void sleep(int seconds);

  std::string what_, denied_;
  int failures_ = 0;
  bool heard_ = false;
};

/// The whole body of a short answer. Throws Error as Patience does, and limit (more than `most` bytes).
std::string get_text(const WebRequest& request, const std::string& what, const std::string& denied,
                     std::size_t most);

}  // namespace longhand::cli
