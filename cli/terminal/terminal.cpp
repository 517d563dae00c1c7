#include "cli/terminal/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "cli/terminal/output.h"
#include "cli/terminal/units.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr auto kShowAfter = std::chrono::milliseconds(300);
constexpr auto kRedrawEvery = std::chrono::milliseconds(200);
constexpr int kWidestBar = 40;
// Before so much is done, or so many seconds have passed, the time left is anybody's guess.
constexpr double kPredictable = 0.05, kSettled = 5;

}  // namespace

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

int terminal_width(int fd) noexcept {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return std::clamp<int>(size.ws_col, 20, 500);
}

int terminal_height(int fd) noexcept {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return 24;
  return std::max<int>(size.ws_row, 5);
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
    : label_(std::move(label)), enabled_(takes_escapes(STDERR_FILENO)) {
  if (!enabled_) return;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    ticker_ = std::jthread([this](const std::stop_token& stop) {
      std::unique_lock lock(mutex_);
      while (!wake_.wait_for(lock, stop, kRedrawEvery, [&] { return stop.stop_requested(); })) tick();
    });
  } catch (const std::system_error&) { enabled_ = false; }  // no thread, no bar
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ProgressBar::~ProgressBar() {
  ticker_.request_stop();
  if (ticker_.joinable()) ticker_.join();
  clear();
}

void ProgressBar::update(double share) {
  const std::lock_guard lock(mutex_);
  if (done_) return;
  if (share >= 1) {
    clear_line();
    done_ = true;
    return;
  }
  if (share > share_) step_ = share - share_;
  share_ = std::max(share, 0.0);
  heard_ = Clock::now();
}

void ProgressBar::begin_at(double share) {
  const std::lock_guard lock(mutex_);
  begun_ = share_ = share;
  step_ = 0;
  start_ = heard_ = Clock::now();
}

void ProgressBar::label(std::string text) {
  const std::lock_guard lock(mutex_);
  label_ = std::move(text);
}

void ProgressBar::note(std::string_view text) {
  const std::lock_guard lock(mutex_);
  clear_line();
  print_note(text);
}

void ProgressBar::show() {
  const std::lock_guard lock(mutex_);
  forced_ = true;
  if (!done_) draw(Clock::now());
}

void ProgressBar::tick() {
  const auto now = Clock::now();
  if (!done_ && (forced_ || now - start_ >= kShowAfter)) draw(now);
}

// What was done by `now`, if the work goes on as it did.
double ProgressBar::share_at(Clock::time_point now) const {
  const double heard = std::chrono::duration<double>(heard_ - start_).count();
  if (share_ <= begun_ || heard <= 0) return share_;
  const double since = std::chrono::duration<double>(now - heard_).count();
  return std::min({share_ + since * (share_ - begun_) / heard, share_ + 0.9 * step_, 0.99});
}

void ProgressBar::draw(Clock::time_point now) {
  if (!enabled_) return;
  constexpr std::string_view kFrames = "|/-\\";
  const double share = share_at(now);
  std::string line = kClearLine + label_;
  std::string numbers =
      fmt::format(" {:3.0f} % {}", share * 100, kFrames[std::size_t(frame_++) % kFrames.size()]);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double done_here = share - begun_;
  if (done_here >= kPredictable * (1 - begun_) || (done_here > 0 && elapsed >= kSettled))
    numbers += fmt::format(", {} left", format_duration(elapsed * (1 - share) / done_here));
  // Everything must fit in one line, or the next redraw starts on the wrong one.
  const int room = terminal_width(STDERR_FILENO) - int(label_.size() + numbers.size()) - 4;
  const int width = std::clamp(room, 0, kWidestBar);
  const int done = int(share * width);
  if (width >= 5) line += fmt::format(" [{:=<{}}{: <{}}]", "", done, "", width - done);
  write_error(line + numbers);
  drawn_ = true;
}

bool ProgressBar::clear_line() {
  if (drawn_) write_error(kClearLine);
  return std::exchange(drawn_, false);
}

bool ProgressBar::clear() {
  const std::lock_guard lock(mutex_);
  done_ = true;
  return clear_line();
}

}  // namespace longhand::cli
