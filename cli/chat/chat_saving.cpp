#include "cli/chat/chat_saving.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

#include "cli/chat/chat_settings.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/units.h"
#include "cli/terminal/wrap.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr const char* kRescued = "rescued";

std::string turns_text(std::size_t turns) { return fmt::format("{} turn{}", turns, turns == 1 ? "" : "s"); }

bool person_agrees(ChatState& state, const std::string& question) {
  if (!state.input.interactive()) return true;
  const InputLine line = state.input.next(question + " [y/N] ");
  if (line.event == InputEvent::interrupt) take_interrupts();
  if (line.event != InputEvent::line) write_error("\n");
  return line.event == InputEvent::line && (line.text.starts_with('y') || line.text.starts_with('Y'));
}

// False if there is another chat of this name, and it is to stay.
bool may_take(ChatState& state, const std::string& name) {
  if (name == state.store.open_name() || !state.store.has(name)) return true;
  if (person_agrees(state, fmt::format("There is a saved chat {} already. Replace it?", name))) return true;
  print_note("nothing is saved");
  return false;
}

// Those of the chat `name`. Throws Error (range) where a value is none of this program's.
ProgramSettings settings_of(const std::string& chat, const ChatRecord& record, const ChatState& state) {
  ProgramSettings settings = state.settings();
  for (const auto& [name, value] : record.settings) {
    if (state.given.contains(name)) continue;
    try {
      change_setting(settings, name, value);
    } catch (const Error&) {
      throw Error(Errc::range,
                  fmt::format("saved chat {}: setting {}: '{}' is not one of its values", chat, name, value));
    }
  }
  settings.system = record.system;
  return settings;
}

// "3 min ago", for days the date.
std::string age_text(std::chrono::system_clock::time_point then) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - then).count();
  if (seconds < 60) return "just now";
  if (seconds < 3600) return fmt::format("{} min ago", seconds / 60);
  if (seconds < 24 * 3600) return fmt::format("{} h ago", seconds / 3600);
  const std::time_t time = std::chrono::system_clock::to_time_t(then);
  std::tm parts{};
  ::localtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

// What was first said, in one short line.
std::string title_text(const std::string& title) {
  constexpr int kColumns = 40;
  std::vector<Cell> cells;
  add_cells(cells, make_visible(title.substr(0, title.find('\n'))), kPlain);
  const auto lines = wrap(cells, kColumns);
  return show_cells(lines.front(), false) + (lines.size() > 1 ? " ..." : "");
}

// The name of a chat that nobody named: "chat-20261130-091533".
bool is_made_up(const std::string& name) {
  constexpr std::string_view kBegin = "chat-";
  constexpr std::size_t kDigits = 8;
  return name.starts_with(kBegin) &&
         name.find_first_not_of("0123456789", kBegin.size()) == kBegin.size() + kDigits;
}

std::string made_up_name(const ChatStore& store) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  const std::string name =
      fmt::format("chat-{:04}{:02}{:02}-{:02}{:02}{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  std::string free = name;
  for (int i = 2; store.has(free); ++i) free = fmt::format("{}-{}", name, i);
  return free;
}

// Checkpoints of a memory that lets go of old tokens are not in the file: then the way back is all the way.
std::string way_back_from_file(const ChatState& state) {
  const Session& session = state.chat.session();
  const int before = state.chat.way_back().to;
  const bool forgets = session.rewind_cost(session.size() / 2) > 0;
  return forgets ? fmt::format("; after /load, /undo reads up to {} tokens again", before) : "";
}

// The last exchange, for a person to see where things stand.
void show_last(const ChatState& state) {
  if (!state.input.interactive() || state.chat.turns().empty()) return;
  const ChatTurn& turn = state.chat.turns().back();
  write_error(dim(make_visible(fmt::format("> {}\n{}\n", turn.user, turn.answer))));
}

}  // namespace

ChatRecord record_of(const ChatState& state) {
  ChatRecord record;
  record.model = state.chat.model().info().name;
  record.system = state.chat.settings().system;
  for (const NamedValue& row : list_settings(state.settings()))
    record.settings.emplace_back(row.name, row.value);
  record.turns = state.chat.turns();
  record.sampled.assign(state.chat.sampled().begin(), state.chat.sampled().end());
  return record;
}

void save_chat(ChatState& state, const std::string& given) {
  const std::string before = state.store.open_name(), name = given.empty() ? before : given;
  if (name.empty()) throw Error(Errc::missing, "/save needs a name");
  if (!may_take(state, name)) return;
  state.store.save(name, record_of(state));
  // One that nobody named has its name now.
  if (std::exchange(state.named_here, false) && name != before) state.store.remove(before);
  leave_chat(state);
  print_note(fmt::format("saved as {}, {}; from here on every turn is kept{}", name,
                         turns_text(state.chat.turns().size()), way_back_from_file(state)));
}

void list_chats(ChatState& state, const std::string&) {
  std::string out;
  for (const SavedChat& chat : state.store.list()) {
    out += fmt::format("  {:<24} {:>10}  {:>9}  {:>9}  {}{}\n", make_visible(chat.name),
                       age_text(chat.changed), turns_text(chat.turns), format_bytes(chat.bytes),
                       title_text(chat.title), chat.name == state.store.open_name() ? "  (this one)" : "");
  }
  write_error(out.empty() ? "no saved chats; /save NAME makes one\n" : out);
}

void keep_chat(ChatState& state) {
  if (!state.store.open_name().empty()) return state.store.update(record_of(state));
  if (!state.autosave || state.chat.turns().empty()) return;
  state.autosave = false;  // where it fails once it would fail again
  state.store.save(made_up_name(state.store), record_of(state));
  state.autosave = state.named_here = true;
}

void load_chat(ChatState& state, const std::string& name) {
  if (name.empty()) return list_chats(state, "");
  leave_chat(state);
  std::string model;
  state.store.load(name, [&](ChatRecord& record) {
    ProgramSettings settings = settings_of(name, record, state);
    const bool same_model = record.model == state.chat.model().info().name;
    if (!same_model) record.sampled.clear();  // those of another vocabulary
    state.chat.restore(settings, std::move(record.turns), std::move(record.sampled));
    state.show_reasoning = settings.show_reasoning;
    state.plain = settings.plain;
    model = std::move(record.model);
  });
  state.named_here = is_made_up(name);
  state.cache.use(state.store.cache_path(name), state.chat.session());
  state.attached.clear();
  show_last(state);
  print_note(fmt::format("{} goes on: {}", name, turns_text(state.chat.turns().size())));
  if (model != state.chat.model().info().name)
    print_note(fmt::format("it was written with another model, {}", model));
}

void fork_chat(ChatState& state, const std::string& name) {
  if (name.empty()) throw Error(Errc::missing, "/fork needs a name for the copy");
  if (name == state.store.open_name())
    throw Error(Errc::duplicate, fmt::format("this chat is {} itself", name));
  if (!may_take(state, name)) return;
  const std::string from = state.store.open_name();
  leave_chat(state);
  state.store.save(name, record_of(state));
  state.named_here = false;
  print_note(from.empty() ? fmt::format("goes on as {}", name)
                          : fmt::format("goes on as {}; {} stays as it is", name, from));
}

void leave_chat(ChatState& state) noexcept {
  try {
    const std::string& name = state.store.open_name();
    if (name.empty()) return;
    state.cache.keep(state.store.cache_path(name), state.chat.session());
    if (!state.named_here) return;
    // Of the chats that nobody named the last one alone has a cache: nobody would ever delete the others.
    for (const std::string& other : state.store.names()) {
      if (other != name && is_made_up(other)) state.store.remove_cache(other);
    }
  } catch (const std::exception&) {}  // only a cache
}

void rescue_chat(ChatState& state) noexcept {
  if (state.chat.turns().empty() || !state.store.open_name().empty()) return;
  try {
    state.store.save(kRescued, record_of(state));
    print_note(fmt::format("the chat is kept: /load {}", kRescued));
  } catch (const std::exception&) {}  // nobody is left to tell
}

}  // namespace longhand::cli
