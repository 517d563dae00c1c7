#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace longhand::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(60);

int exit_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

[[noreturn]] void become(const Arguments& arguments, const Environment& environment) {
  for (const auto& [name, value] : environment) {
    if (value.empty()) {
      ::unsetenv(name.c_str());
    } else {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? int(left) : 0;
}

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  }
  ~Pipe() { close_read(), close_write(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read() { close_end(ends[0]); }
  void close_write() { close_end(ends[1]); }

 private:
  static void close_end(int& fd) {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
};

// Appends what can be read; closes the end at the end of the file.
void drain(Pipe& pipe, std::string& into) {
  char chunk[1 << 16];
  const ssize_t n = ::read(pipe.ends[0], chunk, sizeof chunk);
  if (n > 0) into.append(chunk, std::size_t(n));
  if (n == 0) pipe.close_read();
}

}  // namespace

ProcessResult run_process(const Arguments& arguments, const std::string& input,
                          const Environment& environment) {
  Pipe in, out, err;
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    ::dup2(in.ends[0], STDIN_FILENO);
    ::dup2(out.ends[1], STDOUT_FILENO);
    ::dup2(err.ends[1], STDERR_FILENO);
    become(arguments, environment);
  }
  in.close_read(), out.close_write(), err.close_write();
  ::fcntl(in.ends[1], F_SETFL, O_NONBLOCK);

  auto* const ignored_pipe = std::signal(SIGPIPE, SIG_IGN);  // a child may end before it has read everything
  ProcessResult result;
  const auto deadline = Clock::now() + kPatience;
  std::size_t written = 0;
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    if (written == input.size()) in.close_write();
    std::array<pollfd, 3> waits{
        {{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}, {in.ends[1], POLLOUT, 0}}};
    if (::poll(waits.data(), waits.size(), milliseconds_until(deadline)) == 0) {
      ::kill(child, SIGKILL);
      break;
    }
    if (waits[0].revents != 0) drain(out, result.out);
    if (waits[1].revents != 0) drain(err, result.err);
    if (waits[2].revents != 0) {
      const ssize_t n = ::write(in.ends[1], input.data() + written, input.size() - written);
      if (n > 0) written += std::size_t(n);
      if (n < 0 && errno == EPIPE) written = input.size();
    }
  }
  std::signal(SIGPIPE, ignored_pipe);
  int status = 0;
  ::waitpid(child, &status, 0);
  result.status = exit_status(status);
  return result;
}

TerminalProcess::TerminalProcess(const Arguments& arguments, const Environment& environment) {
  winsize size{};
  size.ws_col = 80;
  size.ws_row = 24;
  process_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
  if (process_ < 0) throw std::runtime_error("forkpty");
  if (process_ == 0) {
    ::setenv("TERM", "xterm", 1);
    become(arguments, environment);
  }
}

TerminalProcess::~TerminalProcess() {
  if (status_ < 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  hang_up();
}

void TerminalProcess::hang_up() {
  if (terminal_ >= 0) ::close(std::exchange(terminal_, -1));
}

void TerminalProcess::read_shown() {
  while (read_some(Clock::now())) {}
}

void TerminalProcess::type(const std::string& text) {
  if (::write(terminal_, text.data(), text.size()) != ssize_t(text.size())) {
    throw std::runtime_error("the terminal takes no input");
  }
}

bool TerminalProcess::read_some(Clock::time_point deadline) {
  pollfd wait{terminal_, POLLIN, 0};
  if (::poll(&wait, 1, milliseconds_until(deadline)) <= 0) return false;
  char chunk[4096];
  const ssize_t n = ::read(terminal_, chunk, sizeof chunk);
  if (n > 0) screen_.append(chunk, std::size_t(n));
  return n > 0;
}

bool TerminalProcess::expect(const std::string& text, double seconds) {
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (;;) {
    const auto at = screen_.find(text, matched_);
    if (at != std::string::npos) {
      matched_ = at + text.size();
      return true;
    }
    if (!read_some(deadline)) return false;
  }
}

int TerminalProcess::wait(double seconds) {
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (status_ < 0 && Clock::now() < deadline) {
    // Reading on, for a program that cannot write what it has to say does not end.
    read_some(std::min(deadline, Clock::now() + std::chrono::milliseconds(20)));
    int status = 0;
    if (::waitpid(process_, &status, WNOHANG) == process_) status_ = exit_status(status);
  }
  return status_;
}

int TerminalProcess::leave() {
  for (int tries = 0; tries < 10 && status_ < 0; ++tries) {
    type("\x04");
    wait(3);
  }
  return status_;
}

void TerminalProcess::signal(int number) { ::kill(process_, number); }

void TerminalProcess::resize(int columns, int rows) {
  winsize size{};
  size.ws_col = std::uint16_t(columns);
  size.ws_row = std::uint16_t(rows);
  ::ioctl(terminal_, TIOCSWINSZ, &size);
}

}  // namespace longhand::test
