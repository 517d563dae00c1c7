#include "cli/terminal/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "cli/terminal/output.h"
#include "cli/terminal/units.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr auto kShowAfter = std::chrono::milliseconds(300);
constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr int kWidestBar = 40;
constexpr double kPredictable = 0.05;  // before that, the time left is anybody's guess

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

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)), enabled_(takes_escapes(STDERR_FILENO)) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::update(double share) {
  if (done_) return;
  if (share >= 1) {
    clear();
    done_ = true;
    return;
  }
  const auto now = Clock::now();
  if (now - start_ >= kShowAfter && now - last_ >= kRedrawEvery) draw(std::max(share, 0.0), now);
}

void ProgressBar::show() {
  if (!done_) draw(0, Clock::now());
}

void ProgressBar::draw(double share, Clock::time_point now) {
  if (!enabled_) return;
  last_ = now;
  std::string line = kClearLine + label_;
  std::string numbers = fmt::format(" {:3.0f} %", share * 100);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  if (share >= kPredictable)
    numbers += fmt::format(", {} left", format_duration(elapsed * (1 - share) / share));
  // Everything must fit in one line, or the next redraw starts on the wrong one.
  const int room = terminal_width(STDERR_FILENO) - static_cast<int>(label_.size() + numbers.size()) - 4;
  const int width = std::clamp(room, 0, kWidestBar);
  const int done = static_cast<int>(share * width);
  if (width >= 5) line += fmt::format(" [{:=<{}}{: <{}}]", "", done, "", width - done);
  write_error(line + numbers);
  drawn_ = true;
}

bool ProgressBar::clear() {
  if (drawn_) write_error(kClearLine);
  return std::exchange(drawn_, false);
}

}  // namespace longhand::cli
