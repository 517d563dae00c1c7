#include <fmt/format.h>
#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <cwchar>
#include <utility>

#include "cli/terminal/line_input.h"
#include "cli/terminal/output.h"
#include "cli/terminal/paste.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "engine/text/unicode.h"

namespace longhand::cli {
namespace {

// libedit converts between bytes and characters by the locale; models speak UTF-8 whatever the locale says.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

class LineEditor : public LineInput {
 public:
  LineEditor(History history, Completer complete)
      : complete_(std::move(complete)), kept_(std::move(history)) {
    use_utf8();
    // Prompts must not end up in a file that takes the answers.
    FILE* shown = shown_fd_ == STDOUT_FILENO ? stdout : stderr;
    editor_ = el_init("longhand", stdin, shown, stderr);
    history_ = history_init();
    HistEvent event;
    ::history(history_, &event, H_SETSIZE, 1000);
    for (const auto& entry : kept_.entries()) ::history(history_, &event, H_ENTER, entry.c_str());
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(editor_, EL_PROMPT, &LineEditor::show_prompt);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_HIST, ::history, history_);
    el_set(editor_, EL_GETCFN, &LineEditor::read_character);
    el_set(editor_, EL_ADDFN, "longhand-complete", "Complete a command", &LineEditor::complete);
    el_set(editor_, EL_BIND, "^I", "longhand-complete", nullptr);
    el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_set(editor_, EL_ADDFN, "longhand-new-line", "Go on in a new line", &LineEditor::new_line);
    for (const char* alt_enter : {"^[^M", "^[^J"})
      el_set(editor_, EL_BIND, alt_enter, "longhand-new-line", nullptr);
    el_source(editor_, nullptr);
    if (!kept_.problem().empty()) print_note(kept_.problem());
  }

  ~LineEditor() override {
    history_end(history_);
    el_end(editor_);
  }
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  InputLine next(const std::string& prompt) override {
    prompt_ = prompt;
    typed_ahead_ = true;
    if (bracketed_) show(kPasteOn);
    // Left to itself the editor shows the prompt first: what is typed before it has then taken the terminal,
    // the system keeps for a whole line, and Ctrl-C drops it unseen. An empty line and Ctrl-C means to leave.
    el_set(editor_, EL_PREP_TERM, 1);
    int length = 0;
    const char* line = el_gets(editor_, &length);
    if (bracketed_) show(kPasteOff);
    std::string text(line, line == nullptr ? 0 : std::size_t(std::max(length, 0)));
    if (!text.empty() && !signal_waiting()) {
      if (text.ends_with('\n')) text.pop_back();
      return {InputEvent::line, pastes_.resolve(std::move(text))};
    }
    el_set(editor_, EL_PREP_TERM, 0);
    el_reset(editor_);
    pastes_.resolve("");
    if (leave_signal() != 0) return {InputEvent::leave, ""};
    if (text.empty()) text = std::exchange(left_, {});
    if (signal_waiting()) return {InputEvent::interrupt, std::move(text)};  // Ctrl-C drops what was typed
    return {InputEvent::end, ""};
  }

  void remember(const std::string& entry) override {
    HistEvent event;
    ::history(history_, &event, H_ENTER, entry.c_str());
    const bool was_kept = kept_.problem().empty();
    kept_.add(entry);
    if (was_kept && !kept_.problem().empty()) print_note(kept_.problem());
  }

  bool interactive() const noexcept override { return true; }

 private:
  static LineEditor& self(EditLine* editor) {
    LineEditor* object = nullptr;
    el_get(editor, EL_CLIENTDATA, &object);
    return *object;
  }

  // To the terminal the editor writes to; one that has gone needs nothing.
  void show(std::string_view text) const noexcept {
    [[maybe_unused]] const ssize_t written = ::write(shown_fd_, text.data(), text.size());
  }

  static char* show_prompt(EditLine* editor) { return self(editor).prompt_.data(); }

  // libedit's own reader retries when a signal comes, which would swallow the first Ctrl-C.
  static int read_character(EditLine* editor, wchar_t* out) {
    LineEditor& me = self(editor);
    std::mbstate_t state{};
    for (;;) {
      char byte = 0;
      if (const int got = me.next_byte(byte); got <= 0) return got;
      const std::size_t used = std::mbrtowc(out, &byte, 1, &state);
      if (used == 0 || used == 1) return 1;
      if (used == std::size_t(-1)) {
        *out = 0xFFFD;
        return 1;
      }
    }
  }

  // 1 with the next byte, pastes already replaced; 0 at the end of input; -1 for a signal.
  int next_byte(char& byte) {
    while (waiting_.empty()) {  // again after an empty paste
      if (const int got = read_byte(byte); got <= 0) return got;
      waiting_ = byte;
      if (bracketed_ && byte == kPasteBegin.front()) read_paste();
    }
    byte = waiting_.front();
    waiting_.erase(0, 1);
    return 1;
  }

  int read_byte(char& byte) {
    for (;;) {
      pollfd now{STDIN_FILENO, POLLIN, 0};
      if (typed_ahead_ && ::poll(&now, 1, 0) <= 0) typed_ahead_ = false;
      if (!wait_readable(STDIN_FILENO)) {
        if (signal_waiting()) {
          const LineInfo* typed = el_line(editor_);  // the editor forgets it when reading fails
          left_.assign(typed->buffer, typed->lastchar);
          return -1;
        }
        if (take_terminal_change()) redraw(editor_);
        continue;
      }
      const ssize_t n = ::read(STDIN_FILENO, &byte, 1);
      if (n > 0 && byte == '\0') {
        // A Ctrl-D pressed while an answer was being written: the terminal keeps it as this. (The editor
        // would take it for the key that quotes the next.) Later on it is Ctrl-Space, which means nothing
        // here.
        if (!typed_ahead_) continue;
        byte = '\x04';
      }
      if (n > 0) return 1;
      if (n == 0 || (errno != EINTR && errno != EAGAIN)) return 0;
    }
  }

  // Called behind an escape character. If it begins a paste, all of that is read and its shown form put in
  // place; else what was read so far is what was typed.
  void read_paste() {
    // A key sends its bytes at once; a person who presses Escape is slower than this.
    constexpr int kKeyMilliseconds = 25;
    char byte = 0;
    while (waiting_.size() < kPasteBegin.size()) {
      pollfd more{STDIN_FILENO, POLLIN, 0};
      if (::poll(&more, 1, kKeyMilliseconds) <= 0 || read_byte(byte) <= 0) return;
      waiting_ += byte;
      if (!kPasteBegin.starts_with(waiting_)) return;
    }
    std::string pasted;
    while (!pasted.ends_with(kPasteEnd)) {
      if (read_byte(byte) <= 0) break;
      pasted += byte;
    }
    if (pasted.ends_with(kPasteEnd)) pasted.resize(pasted.size() - kPasteEnd.size());
    waiting_ = pastes_.shown(std::move(pasted));
  }

  // After a resize, or when back from the background, where the shell had its own settings.
  static void redraw(EditLine* editor) {
    // The editor takes the screen for blank, and would write prompt and text behind those that are there.
    write_error(takes_escapes(STDERR_FILENO) ? "\r\x1b[J" : "\n");
    el_resize(editor);
    el_set(editor, EL_PREP_TERM, 0);  // or it believes that its settings are still in force
    el_set(editor, EL_PREP_TERM, 1);
    el_set(editor, EL_REFRESH);
  }

  // Types what makes a line go on: its end, a backslash, Enter.
  static unsigned char new_line(EditLine* editor, int) {
    el_push(editor, "\x05\\\n");
    return CC_NORM;
  }

  // Adds what all candidates share; where that is nothing, shows them.
  static unsigned char complete(EditLine* editor, int) {
    const LineInfo* line = el_line(editor);
    const std::string typed(line->buffer, line->cursor);
    const std::vector<std::string> words = self(editor).complete_(typed);
    if (words.empty()) return CC_ERROR;
    std::string common = words.front();
    for (const std::string& word : words) {
      const auto [end, other] = std::mismatch(common.begin(), common.end(), word.begin(), word.end());
      common.erase(end, common.end());
    }
    common.resize(common.size() - unfinished_bytes(common));  // names may differ within a character
    if (words.size() == 1 && !common.ends_with('/')) common += ' ';
    if (common.size() > typed.size())
      return el_insertstr(editor, common.c_str() + typed.size()) == 0 ? CC_REFRESH : CC_ERROR;
    show_words(words);
    return CC_REDISPLAY;
  }

  // In columns; of paths only the last part.
  static void show_words(const std::vector<std::string>& words) {
    constexpr std::size_t kShown = 100;
    std::vector<std::string> names;
    for (const std::string& word : words) {
      const auto slash = word.rfind('/', word.size() - 2);
      const auto begin = slash == 0 ? word.find(' ') : slash;  // of a command its argument
      names.push_back(begin == std::string::npos ? word : word.substr(begin + 1));
      if (names.size() == kShown) break;
    }
    std::size_t width = 0;
    for (const std::string& name : names) width = std::max(width, name.size() + 2);
    const std::size_t columns = std::max<std::size_t>(1, std::size_t(terminal_width(STDERR_FILENO)) / width);
    std::string out = "\n";
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool last = (i + 1) % columns == 0 || i + 1 == names.size();
      out += last ? names[i] + "\n" : fmt::format("{:<{}}", names[i], width);
    }
    if (names.size() < words.size()) out += fmt::format("and {} more\n", words.size() - names.size());
    write_error(out);
  }

  const int shown_fd_ = is_terminal(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO;
  const bool bracketed_ = takes_escapes(shown_fd_);
  Completer complete_;
  History kept_;
  EditLine* editor_ = nullptr;
  ::History* history_ = nullptr;
  std::string prompt_;
  std::string left_;          // what had been typed when a signal came
  bool typed_ahead_ = false;  // what is read now was there before the prompt
  std::string waiting_;       // bytes read but not yet handed to the editor
  PasteStore pastes_;
};

}  // namespace

std::unique_ptr<LineInput> make_editor(History history, Completer complete) {
  return std::make_unique<LineEditor>(std::move(history), std::move(complete));
}

}  // namespace longhand::cli
