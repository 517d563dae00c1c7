// Runs programs as a user would: through pipes, or on a terminal of their own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace longhand::test {

struct ProcessResult {
  int status = -1;  // exit status, or 128 + the signal that ended it
  std::string out, err;
};

using Arguments = std::vector<std::string>;
/// Set in the program's environment; an empty value removes the variable.
using Environment = std::map<std::string, std::string>;

/// Runs `arguments[0]` with `input` on stdin until it ends. Killed after a minute.
ProcessResult run_process(const Arguments& arguments, const std::string& input = "",
                          const Environment& environment = {});

/// A program on a pseudo-terminal of 80 by 24.
class TerminalProcess {
 public:
  explicit TerminalProcess(const Arguments& arguments, const Environment& environment = {});
  ~TerminalProcess();
  TerminalProcess(const TerminalProcess&) = delete;
  TerminalProcess& operator=(const TerminalProcess&) = delete;

  /// Types `text`; "\x03" is Ctrl-C, "\x04" Ctrl-D.
  void type(const std::string& text);
  /// Reads until `text` has been shown since the last match; false after `seconds`.
  bool expect(const std::string& text, double seconds = 30);
  /// Exit status as in ProcessResult; -1 if it does not end within `seconds`.
  int wait(double seconds = 30);
  /// Presses Ctrl-D until the program ends, and waits for that: a key may get lost while a terminal changes
  /// its mode.
  int leave();
  void signal(int number);
  /// Closes the terminal, as a window does: the program is hung up on.
  void hang_up();
  /// Reads what has been shown by now.
  void read_shown();
  void resize(int columns, int rows);
  /// Everything shown so far.
  const std::string& screen() const { return screen_; }

 private:
  bool read_some(std::chrono::steady_clock::time_point deadline);

  int terminal_ = -1;
  pid_t process_ = -1;
  int status_ = -1;
  std::string screen_;
  std::size_t matched_ = 0;
};

}  // namespace longhand::test
