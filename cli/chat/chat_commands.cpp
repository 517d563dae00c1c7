#include "cli/chat/chat_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/chat/chat_reports.h"
#include "cli/chat/chat_saving.h"
#include "cli/chat/chat_settings.h"
#include "cli/terminal/clipboard.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/text_file.h"
#include "cli/terminal/units.h"
#include "cli/terminal/user_dirs.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

void show_help(ChatState&, const std::string&) {
  std::string out;
  for (const ChatCommand& command : chat_commands()) {
    out += fmt::format("  {:<22} {}\n", fmt::format("{} {}", command.name, command.arguments), command.help);
  }
  out +=
      "  \"\"\"                    begins and ends a message of several lines\n"
      "  Ctrl-C                 stops an answer; twice at an empty prompt leaves\n";
  write_error(out);
}

void leave(ChatState& state, const std::string&) { state.leave = true; }

// A saved chat is left as it is, not emptied.
void start_anew(ChatState& state, std::string_view why) {
  const std::string left = state.store.open_name();
  leave_chat(state);
  state.store.close();
  state.chat.clear();
  state.attached.clear();
  print_note(fmt::format("{}the conversation starts anew{}", why,
                         left.empty() ? "" : fmt::format("; {} stays as it was saved", left)));
}

void clear(ChatState& state, const std::string&) { start_anew(state, ""); }

void set_system(ChatState& state, const std::string& text) {
  ProgramSettings settings = state.settings();
  if (text.empty()) {
    write_error(settings.system.empty() ? "no system prompt\n" : make_visible(settings.system) + "\n");
    return;
  }
  settings.system = text;
  state.change(std::move(settings));
  start_anew(state, "new system prompt; ");
}

void set_value(ChatState& state, const std::string& argument) {
  if (argument.empty()) {
    std::string out;
    for (const auto& [name, value] : list_settings(state.settings()))
      out += fmt::format("  {:<18} {}\n", name, value);
    write_error(out);
    return;
  }
  const auto space = argument.find_first_of(" =");
  const std::string name = argument.substr(0, space);
  const auto value = space == std::string::npos ? space : argument.find_first_not_of(" =", space);
  if (value == std::string::npos) throw Error(Errc::range, fmt::format("/set {} needs a value", name));
  ProgramSettings settings = state.settings();
  change_setting(settings, name, argument.substr(value));
  state.change(std::move(settings));
  print_note(fmt::format("{} is {} from the next answer on", name, argument.substr(value)));
}

void set_thinking(ChatState& state, const std::string& word) {
  ProgramSettings settings = state.settings();
  if (word == "show" || word == "hide") {
    change_setting(settings, "reasoning", word);
  } else if (!word.empty()) {
    change_thinking(settings, word);
  }
  if (!word.empty()) state.change(std::move(settings));
  std::string out;
  for (const auto& [name, value] : list_settings(state.settings())) {
    if (name == "think" || name == "reasoning")
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, value);
  }
  const bool reasons = state.chat.written().reasons();
  print_note(out + (reasons ? "" : "; this model does not reason before it answers"));
}

// What going back costs where the memory lets go of old tokens; nothing is said where it costs nothing.
std::string cost_of(const Chat::WayBack& way) {
  if (way.cost == 0) return "";
  return fmt::format("this memory has let go of {} tokens before it, which are read again", way.cost);
}

void undo(ChatState& state, const std::string&) {
  const std::string cost = cost_of(state.chat.way_back());
  if (!state.chat.undo()) return print_note("there is nothing to undo");
  print_note("the last turn is forgotten" + (cost.empty() ? "" : "; " + cost));
}

void retry(ChatState& state, const std::string&) {
  state.answer_again = !state.chat.turns().empty();
  if (!state.answer_again) return print_note("there is nothing to answer again");
  if (const std::string cost = cost_of(state.chat.way_back()); !cost.empty()) print_note(cost);
}

void copy(ChatState& state, const std::string&) {
  if (state.chat.turns().empty()) throw Error(Errc::missing, "there is no answer to copy yet");
  const std::string& answer = state.chat.turns().back().answer;
  copy_to_clipboard(answer);
  print_note(
      fmt::format("the last answer ({}) is sent to the terminal's clipboard", format_bytes(answer.size())));
}

void read_file(ChatState& state, const std::string& given) {
  if (given.empty()) throw Error(Errc::missing, "/read needs a file");
  const std::string path = expand_home(given);
  const std::string text = read_plain_text(path);
  state.attached += text;
  if (!state.attached.ends_with('\n')) state.attached += '\n';
  print_note(fmt::format("{} of {} will go with your next message", format_bytes(text.size()), path));
}

constexpr ChatCommand kCommands[] = {
    {"/help", "", "Show this help", show_help},
    {"/exit", "", "Leave (also Ctrl-D)", leave},
    {"/clear", "", "Forget the conversation", clear},
    {"/system", "[TEXT]", "Show the system prompt, or start anew with TEXT", set_system},
    {"/set", "[NAME VALUE]", "Show the sampling values, or change one: /set temp 0.5", set_value},
    {"/think", "[WORD]", "on, off, auto, low, medium, high: reasoning; show, hide: its text", set_thinking},
    {"/show", "", "Show the model and the settings", show_settings},
    {"/stats", "", "Show speed and memory", show_stats},
    {"/tokens", "[TEXT]", "Show how many tokens the chat takes, or the tokens of TEXT", show_tokens},
    {"/undo", "", "Forget the last turn", undo},
    {"/retry", "", "Answer the last message again", retry},
    {"/read", "FILE", "Send a text file along with the next message", read_file},
    {"/copy", "", "Copy the last answer to the clipboard", copy},
    {"/save", "NAME", "Keep this chat as NAME, now and after every turn", save_chat},
    {"/load", "[NAME]", "Go on with a saved chat, or list them", load_chat},
    {"/fork", "NAME", "Go on under another name; what was saved stays", fork_chat},
};

// What other programs call /exit.
constexpr std::string_view kWaysOut[] = {"/quit", "/bye", "/q"};

// Characters to insert, delete or replace in `a` to make it `b` (Levenshtein).
std::size_t count_changes(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::span<const ChatCommand> chat_commands() { return kCommands; }

const ChatCommand* find_chat_command(std::string_view line) {
  std::string_view name = line.substr(0, line.find(' '));
  if (std::ranges::find(kWaysOut, name) != std::end(kWaysOut)) name = "/exit";
  const auto* command = std::ranges::find(kCommands, name, &ChatCommand::name);
  return command == std::end(kCommands) ? nullptr : command;
}

std::string nearest_chat_command(std::string_view line) {
  const std::string_view typed = line.substr(0, line.find(' '));
  std::string nearest;
  std::size_t fewest = 3;  // more changes than these make another word of it
  for (const ChatCommand& command : kCommands) {
    const std::size_t changes = count_changes(typed, command.name);
    if (changes < fewest) {
      fewest = changes;
      nearest = command.name;
    }
  }
  return nearest;
}

bool run_chat_command(ChatState& state, std::string_view line) {
  const auto space = line.find(' ');
  const ChatCommand* command = find_chat_command(line);
  if (command == nullptr) return false;
  const std::string_view rest = space == std::string_view::npos ? "" : trim(line.substr(space));
  command->run(state, std::string(rest));
  return true;
}

}  // namespace longhand::cli
