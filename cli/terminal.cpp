#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "cli/output.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr auto kShowAfter = std::chrono::milliseconds(300);
constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr int kWidestBar = 40;
constexpr const char* kClearLine = "\r\x1b[K";

// ", 2:05 left" once there is something to judge from.
std::string time_left(std::chrono::duration<double> spent, double share) {
  if (share < 0.02) return "";
  const auto seconds = static_cast<long>(spent.count() * (1 - share) / share + 0.5);
  return fmt::format(", {}:{:02} left", seconds / 60, seconds % 60);
}

}  // namespace

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

int terminal_width(int fd) noexcept {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return std::clamp<int>(size.ws_col, 20, 500);
}

bool takes_escapes(int fd) noexcept {
  const char* term = std::getenv("TERM");
  return is_terminal(fd) && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

bool takes_colour(int fd) noexcept {
  const char* no_color = std::getenv("NO_COLOR");
  return takes_escapes(fd) && (no_color == nullptr || *no_color == '\0');
}

std::string dim(std::string_view text) {
  return takes_colour(STDERR_FILENO) ? fmt::format("\x1b[2m{}\x1b[0m", text) : std::string(text);
}

void print_note(std::string_view text) {
  write_error(dim(fmt::format("note: {}", escape_controls(text))) + "\n");
}

ProgressBar::ProgressBar(std::string label, bool time_left)
    : label_(std::move(label)), enabled_(takes_escapes(STDERR_FILENO)), time_left_(time_left) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::update(double share) {
  const auto now = Clock::now();
  if (!enabled_ || now - start_ < kShowAfter || now - last_ < kRedrawEvery) return;
  last_ = now;
  share = std::clamp(share, 0.0, 1.0);
  const std::string left = time_left_ ? time_left(now - start_, share) : "";
  // label, space, [bar], space and " 100 %" must fit in one line, or the next redraw starts on the wrong one
  const int room = terminal_width(STDERR_FILENO) - static_cast<int>(label_.size() + left.size()) - 10;
  const int width = std::clamp(room, 0, kWidestBar);
  const int done = static_cast<int>(share * width);
  std::string line = kClearLine + label_;
  if (width >= 5) line += fmt::format(" [{:=<{}}{: <{}}]", "", done, "", width - done);
  write_error(line + fmt::format(" {:3.0f} %{}", share * 100, left));
  drawn_ = true;
}

bool ProgressBar::clear() {
  if (drawn_) write_error(kClearLine);
  return std::exchange(drawn_, false);
}

}  // namespace longhand::cli
