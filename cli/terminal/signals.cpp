#include "cli/terminal/signals.h"

#include <poll.h>

#include <array>
#include <atomic>
#include <csignal>

namespace longhand::cli {
namespace {

// A handler can reach nothing but what is global; this and what lost_pages.cpp keeps are the only mutable
// global state of the program.
std::atomic<int> interrupts{0};
std::atomic<int> leave{0};
std::atomic<bool> terminal_changed{false};
std::atomic<const CancelOnSignal*> to_cancel{nullptr};
static_assert(std::atomic<int>::is_always_lock_free &&
              std::atomic<const CancelOnSignal*>::is_always_lock_free);

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};

extern "C" void note_signal(int number) {
  if (number == SIGWINCH || number == SIGCONT) {
    terminal_changed.store(true);
    return;
  }
  if (number == SIGINT) {
    interrupts.fetch_add(1);
  } else {
    leave.store(number);
  }
  if (const CancelOnSignal* computing = to_cancel.load()) computing->cancel();
}

void set_handler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: a read at the prompt has to come back
  for (const int number : kSignals) sigaction(number, &action, nullptr);
}

}  // namespace

SignalScope::SignalScope() { set_handler(note_signal); }
SignalScope::~SignalScope() { set_handler(SIG_DFL); }

void CancelOnSignal::listen() const noexcept {
  to_cancel.store(this);
  if (signal_waiting()) cancel();  // pressed before anybody listened
}
CancelOnSignal::~CancelOnSignal() { to_cancel.store(nullptr); }

NoSignals::NoSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before_);
}
NoSignals::~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int take_interrupts() noexcept { return interrupts.exchange(0); }
bool signal_waiting() noexcept { return interrupts.load() != 0 || leave.load() != 0; }
bool take_terminal_change() noexcept { return terminal_changed.exchange(false); }

bool wait_readable(int fd) noexcept {
  // The signals are let in only while sleeping, so that none slips in between looking at the flags and
  // sleeping.
  sigset_t blocked, before;
  sigemptyset(&blocked);
  for (const int number : kSignals) sigaddset(&blocked, number);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  bool readable = false;
  while (!readable && !signal_waiting() && !terminal_changed.load()) {
    pollfd input{fd, POLLIN, 0};
    readable = ::ppoll(&input, 1, nullptr, &before) > 0;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return readable;
}

int leave_signal() noexcept { return leave.load(); }

}  // namespace longhand::cli
