// Ctrl-C and the polite signals to leave. Handlers set flags and cancel a session, nothing more.
#pragma once

#include <csignal>

#include "engine/longhand.h"

namespace longhand::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP are noted instead of ending the program at once, and so are
/// changes of the terminal. One at a time.
class SignalScope {
 public:
  SignalScope();
  ~SignalScope();
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;
};

/// While it lives, any of the signals cancels a Session or Embedder, also one that came before and nobody has
/// taken; what cancelled it earlier is forgotten. It must not move meanwhile.
class CancelOnSignal {
 public:
  template <class Cancellable>
  explicit CancelOnSignal(Cancellable& computing)
      : computing_(&computing), cancel_([](void* it) { reinterpret_cast<Cancellable*>(it)->cancel(); }) {
    computing.clear_cancel();
    listen();
  }
  ~CancelOnSignal();
  CancelOnSignal(const CancelOnSignal&) = delete;
  CancelOnSignal& operator=(const CancelOnSignal&) = delete;

  void cancel() const noexcept { cancel_(computing_); }

 private:
  void listen() const noexcept;

  void* computing_;
  void (*cancel_)(void*);
};

/// While it lives, threads that are started take no signals: those are for the thread that waits for them.
class NoSignals {
 public:
  NoSignals();
  ~NoSignals();
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_;
};

/// How often Ctrl-C was pressed since the last call.
int take_interrupts() noexcept;
/// True while a Ctrl-C waits to be taken, or the program was told to leave.
bool signal_waiting() noexcept;
/// True once after the terminal was resized or the program came back from the background.
bool take_terminal_change() noexcept;
/// Sleeps until `fd` can be read; false where one of the signals came first, or for a terminal change.
bool wait_readable(int fd) noexcept;
/// SIGTERM or SIGHUP once one has come, else 0. Such a program saves and exits with 128 + the number.
int leave_signal() noexcept;

}  // namespace longhand::cli
