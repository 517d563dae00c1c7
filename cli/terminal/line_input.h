// Where a chat gets its lines from: a person at a terminal, or a pipe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/terminal/history.h"

namespace longhand::cli {

enum class InputEvent {
  line,
  end,        // end of input, or Ctrl-D
  interrupt,  // Ctrl-C
  leave,      // the program was told to leave
};

struct InputLine {
  InputEvent event = InputEvent::end;
  std::string text;  // for `line` without its end; for `interrupt` what had been typed
};

class LineInput {
 public:
  virtual ~LineInput() = default;
  virtual InputLine next(const std::string& prompt) = 0;
  /// Keeps `entry` for the arrow keys, now and in later chats.
  virtual void remember(const std::string&) {}
  /// False for a pipe: nobody reads prompts and hints.
  virtual bool interactive() const noexcept = 0;
};

/// Lines of a file descriptor, of any length and with any bytes; CR before LF and a byte order mark are
/// dropped. `interactive`: a person types them, and sees prompts.
std::unique_ptr<LineInput> make_plain_input(int fd, bool interactive);

/// The lines that what is typed may become.
using Completer = std::function<std::vector<std::string>(const std::string& typed)>;

/// Line editing with history and the Tab key. The terminal is as before between calls.
std::unique_ptr<LineInput> make_editor(History history, Completer complete);

}  // namespace longhand::cli
