// What the terminal can show, and the two things drawn on it beside text: dim notes and a progress bar.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace longhand::cli {

bool is_terminal(int fd) noexcept;
/// Columns of the terminal at `fd`, within 20..500; 80 where unknown.
int terminal_width(int fd) noexcept;
/// Rows of the terminal at `fd`, at least 5; 24 where unknown.
int terminal_height(int fd) noexcept;
/// True where escape sequences may be sent to `fd`: a terminal, and TERM is not "dumb" or unset.
bool takes_escapes(int fd) noexcept;
/// The same for colours, unless NO_COLOR is set to anything.
bool takes_colour(int fd) noexcept;

/// Empties the line the cursor is on.
inline constexpr const char* kClearLine = "\r\x1b[K";

/// `text` for stderr, dimmed where colours are shown.
std::string dim(std::string_view text);

/// "note: ..." on stderr, with control bytes escaped.
void print_note(std::string_view text);

/// One line on stderr, redrawn in place while something takes long; nothing at all where stderr is no
/// terminal. Appears only after a moment, so that quick work does not flicker, says how long it will still
/// take, and disappears for good when done. It moves several times a second, also while nothing is heard of
/// the work: then by what the work did before, up to its next step.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `share` done, 0..1.
  void update(double share);
  /// The work begins only now, of which `share` was done before.
  void begin_at(double share);
  /// What stands before the bar from now on.
  void label(std::string text);
  /// A note above the bar.
  void note(std::string_view text);
  /// Appears at once, for work that is known to take its time.
  void show();
  /// Removes the line; false where none was shown.
  bool clear();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now);
  double share_at(Clock::time_point now) const;
  bool clear_line();
  void tick();

  std::string label_;
  bool enabled_;
  std::mutex mutex_;  // of all that follows
  std::condition_variable_any wake_;
  bool drawn_ = false, done_ = false, forced_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point heard_ = start_;  // of `share_`
  double share_ = 0, step_ = 0;       // done, and of that by the last step
  double begun_ = 0;                  // done before `start_`
  int frame_ = 0;
  std::jthread ticker_;  // takes no signals
};

}  // namespace longhand::cli
