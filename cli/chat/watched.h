// A session while an answer is being written.
#pragma once

#include "cli/chat/answer_view.h"
#include "cli/terminal/signals.h"

namespace longhand::cli {

/// While it lives, signals stop the session's work, and the view hears how far reading is.
class Watched {
 public:
  Watched(Session& session, AnswerView& view) : session_(session), cancel_(session) {
    session_.on_progress([&view](int done, int total) { view.reading(done, total); });
  }
  ~Watched() { session_.on_progress({}); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

 private:
  Session& session_;
  CancelOnSignal cancel_;
};

}  // namespace longhand::cli
