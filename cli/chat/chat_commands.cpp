#include "cli/chat/chat_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>
#include <vector>

#include "cli/chat/chat_reports.h"
#include "cli/chat/chat_saving.h"
#include "cli/chat/chat_settings.h"
#include "cli/chat/chat_tools.h"
#include "cli/chat/session_settings.h"
#include "cli/flags/nearest.h"
#include "cli/models/model_names.h"
#include "cli/models/model_places.h"
#include "cli/terminal/clipboard.h"
#include "cli/terminal/markdown.h"
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
      "  Alt-Enter, or \\ at the end of a line, goes on with the message in a new line, and\n"
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

// Of "-1" also the seed that was drawn.
std::string shown_value(const ChatState& state, const NamedValue& row) {
  const bool drawn = row.name == "seed" && row.value == "-1";
  return drawn ? fmt::format("-1 (drawn: {})", state.chat.seed()) : make_visible(row.value);
}

// Another session takes the conversation over, and reads it with the next message.
void change_session(ChatState& state, const SessionOptions& options) {
  const auto sampled = state.chat.sampled();
  Chat next = state.begin(state.chat.model(), state.chat.settings(), options);
  next.restore(state.chat.settings(), state.chat.turns(), {sampled.begin(), sampled.end()});
  next.offer(state.chat.offered(), state.tool_options);
  state.chat = std::move(next);
  state.options = options;
  state.other_session = true;
}

std::vector<NamedValue> all_settings(const ChatState& state) {
  std::vector<NamedValue> rows = list_settings(state.settings());
  for (NamedValue& row : list_session_settings(state.options)) rows.push_back(std::move(row));
  return rows;
}

void set_value(ChatState& state, const std::string& argument) {
  if (argument.empty()) {
    std::string out;
    for (const NamedValue& row : all_settings(state))
      out += fmt::format("  {:<25} {}\n", row.name, shown_value(state, row));
    write_error(out);
    return;
  }
  const auto space = argument.find_first_of(" =");
  const std::string name = argument.substr(0, space);
  ProgramSettings settings = state.settings();
  const auto value = space == std::string::npos ? space : argument.find_first_not_of(" =", space);
  if (value == std::string::npos) {
    for (const NamedValue& row : all_settings(state)) {
      if (row.name == name) return write_error(fmt::format("  {:<18} {}\n", name, shown_value(state, row)));
    }
    throw Error(Errc::range, fmt::format("/set {} needs a value", name));
  }
  SessionOptions options = state.options;
  if (change_session_setting(options, name, argument.substr(value))) {
    change_session(state, options);
    return print_note(fmt::format("{} is {}; the conversation is read again with the next message", name,
                                  argument.substr(value)));
  }
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

// "code" is the last block of code, "code 2" the second.
std::string code_of(const std::string& answer, const std::string& which) {
  const std::vector<std::string> blocks = code_blocks(answer);
  if (blocks.empty()) throw Error(Errc::missing, "the last answer has no block of code");
  const std::string number = which.substr(std::min(which.find_first_not_of(' '), which.size()));
  if (number.empty()) return blocks.back();
  std::size_t at = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), at);
  if (error != std::errc() || end != number.data() + number.size() || at < 1 || at > blocks.size())
    throw Error(Errc::range, fmt::format("/copy code {}: must be 1..{}", number, blocks.size()));
  return blocks[at - 1];
}

void copy(ChatState& state, const std::string& argument) {
  if (state.chat.turns().empty()) throw Error(Errc::missing, "there is no answer to copy yet");
  if (!argument.empty() && !argument.starts_with("code"))
    throw Error(Errc::range, fmt::format("/copy: '{}' must be code, or nothing", argument));
  const std::string& answer = state.chat.turns().back().answer;
  const std::string text = argument.empty() ? answer : code_of(answer, argument.substr(4));
  copy_to_clipboard(text);
  print_note(fmt::format("{} ({}) is sent to the terminal's clipboard",
                         argument.empty() ? "the last answer" : "code of the last answer",
                         format_bytes(text.size())));
}

// Says which name may have been meant where there is no such model.
std::string model_called(const std::string& name) {
  const std::string path = model_path(name);
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return path;
  std::vector<std::string> labels;
  for (const FoundModel& model : find_models()) labels.push_back(model.label);
  const std::string near = nearest_word(name, labels);
  throw Error(Errc::missing, fmt::format("there is no model '{}'; {}", name,
                                         near.empty() ? "`longhand models` lists those on this machine"
                                                      : fmt::format("the nearest is {}", near)));
}

void change_model(ChatState& state, const std::string& name) {
  const std::string before = state.chat.model().info().name;
  if (name.empty()) return print_note(fmt::format("this is {}; /model NAME goes on with another", before));
  SessionOptions options = state.options;
  options.adapters.clear();
  options.control_vectors.clear();
  Chat next = state.begin(state.open(model_called(name)), state.chat.settings(), options);
  next.restore(state.chat.settings(), state.chat.turns());
  next.offer(state.chat.offered(), state.tool_options);
  leave_chat(state);
  state.chat = std::move(next);
  if (!state.options.adapters.empty() || !state.options.control_vectors.empty())
    print_note("adapters and control vectors were made for the model before: this one goes on without them");
  state.options = std::move(options);
  state.other_session = true;
  print_note(fmt::format("{} goes on where {} was; it reads the conversation with the next message",
                         state.chat.model().info().name, before));
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
    {"/model", "[NAME]", "Go on with another model, a file or one that `longhand models` lists",
     change_model},
    {"/set", "[NAME VALUE]", "Show what can be changed, or change it: /set temp 0.5", set_value},
    {"/think", "[WORD]", "on, off, auto, low, medium, high: reasoning; show, hide: its text", set_thinking},
    {"/show", "", "Show the model and the settings", show_settings},
    {"/stats", "", "Show speed and memory", show_stats},
    {"/tokens", "[TEXT]", "Show how many tokens the chat takes, or the tokens of TEXT", show_tokens},
    {"/undo", "", "Forget the last turn", undo},
    {"/retry", "", "Answer the last message again", retry},
    {"/read", "FILE", "Send a text file along with the next message", read_file},
    {"/tools", "[FILE|off]", "Show the functions the model may call, or offer those of a JSON file",
     set_tools},
    {"/copy", "[code [N]]", "Copy the last answer, or a block of code in it, to the clipboard", copy},
    {"/save", "NAME", "Keep this chat as NAME, now and after every turn", save_chat},
    {"/load", "[NAME]", "Go on with a saved chat, or list them", load_chat},
    {"/chats", "", "List the saved chats", list_chats},
    {"/fork", "NAME", "Go on under another name; what was saved stays", fork_chat},
};

// What other programs call /exit.
constexpr std::string_view kWaysOut[] = {"/quit", "/bye", "/q"};

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
  std::vector<std::string> names;
  for (const ChatCommand& command : kCommands) names.emplace_back(command.name);
  return nearest_word(line.substr(0, line.find(' ')), names);
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
