#include "cli/terminal/lost_pages.h"

#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "cli/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/terminal.h"

namespace longhand::cli {
namespace {

// A handler can reach nothing but what is global.
struct Terminal {
  bool known = false;
  termios settings{};
  bool shows_errors = false;
};
Terminal found;                            // written once, before the handler that reads it is there
std::atomic_flag told = ATOMIC_FLAG_INIT;  // several threads may fall into the same hole

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

}  // namespace longhand::cli
