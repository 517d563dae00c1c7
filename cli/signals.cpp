#include "cli/signals.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>

#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/terminal.h"

namespace longhand::cli {
namespace {

// A handler can reach nothing but what is global; this is the only mutable global state of the program.
struct Terminal {
  bool known = false;
  termios settings{};
  bool shows_errors = false;
};
Terminal found;                            // written once, before the handler that reads it is there
std::atomic_flag told = ATOMIC_FLAG_INIT;  // several threads may fall into the same hole
std::atomic<int> interrupts{0};
std::atomic<int> leave{0};
std::atomic<bool> terminal_changed{false};
std::atomic<Session*> to_cancel{nullptr};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<Session*>::is_always_lock_free);

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
  if (Session* session = to_cancel.load()) session->cancel();
}

void set_handler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: a read at the prompt has to come back
  for (const int number : kSignals) sigaction(number, &action, nullptr);
}

// Calls nothing that is not safe in a handler. Only the process in the foreground may touch the terminal.
extern "C" void explain_lost_page(int number, siginfo_t* info, void*) {
  if (info->si_code != BUS_ADRERR) {
    std::signal(number, SIG_DFL);
    std::raise(number);  // comes when the handler returns
    return;
  }
  while (told.test_and_set()) ::pause();
  if (found.known && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp())
    ::tcsetattr(STDIN_FILENO, TCSANOW, &found.settings);
  if (found.shows_errors) write_error("\n");  // behind the text or the bar that stands there
  write_error("error: the model file was changed or could not be read while it was in use [E_IO]\n");
  ::_exit(kFailure);
}

}  // namespace

void explain_lost_pages() noexcept {
  found.known = ::tcgetattr(STDIN_FILENO, &found.settings) == 0;
  found.shows_errors = is_terminal(STDERR_FILENO);
  struct sigaction action {};
  action.sa_sigaction = explain_lost_page;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGBUS, &action, nullptr);
}

SignalScope::SignalScope() { set_handler(note_signal); }
SignalScope::~SignalScope() { set_handler(SIG_DFL); }

CancelOnSignal::CancelOnSignal(Session& session) {
  session.clear_cancel();
  to_cancel.store(&session);
  if (signal_waiting()) session.cancel();  // pressed before anybody listened
}
CancelOnSignal::~CancelOnSignal() { to_cancel.store(nullptr); }

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
