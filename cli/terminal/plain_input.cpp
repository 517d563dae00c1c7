#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/terminal/line_input.h"
#include "cli/terminal/output.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/text_file.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

class PlainInput : public LineInput {
 public:
  PlainInput(int fd, bool interactive) : fd_(fd), interactive_(interactive) {}

  InputLine next(const std::string& prompt) override {
    if (interactive_) write_error(prompt);
    std::size_t end;
    std::size_t searched = 0;
    while ((end = pending_.find('\n', searched)) == std::string::npos && !at_end_) {
      searched = pending_.size();
      if (!fill()) return {leave_signal() != 0 ? InputEvent::leave : InputEvent::interrupt, ""};
    }
    if (end == std::string::npos && pending_.empty()) return {InputEvent::end, ""};
    std::string line = pending_.substr(0, end);
    pending_.erase(0, end == std::string::npos ? end : end + 1);
    if (line.ends_with('\r')) line.pop_back();
    if (std::exchange(first_, false)) line = without_mark(std::move(line));
    return {InputEvent::line, std::move(line)};
  }

  bool interactive() const noexcept override { return interactive_; }

 private:
  // False where a signal came first.
  bool fill() {
    while (!wait_readable(fd_)) {
      if (signal_waiting()) return false;
      take_terminal_change();
    }
    char chunk[1 << 16];
    const ssize_t n = ::read(fd_, chunk, sizeof chunk);
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
      throw Error(Errc::io, fmt::format("cannot read standard input: {}", std::strerror(errno)));
    }
    if (n > 0) pending_.append(chunk, std::size_t(n));
    at_end_ = n == 0;
    if (pending_.size() > kMaxTextBytes) {
      throw Error(Errc::limit, fmt::format("stdin: a line must have at most {} MiB, and one has more",
                                           kMaxTextBytes >> 20));
    }
    return true;
  }

  int fd_;
  bool interactive_;
  std::string pending_;
  bool at_end_ = false, first_ = true;
};

}  // namespace

std::unique_ptr<LineInput> make_plain_input(int fd, bool interactive) {
  return std::make_unique<PlainInput>(fd, interactive);
}

}  // namespace longhand::cli
