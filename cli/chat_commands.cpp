#include "cli/chat_commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/chat_settings.h"
#include "cli/output.h"
#include "cli/output_filter.h"
#include "cli/terminal.h"
#include "cli/units.h"
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

void clear(ChatState& state, const std::string&) {
  state.chat.clear();
  state.attached.clear();
  print_note("the conversation starts anew");
}

void set_system(ChatState& state, const std::string& text) {
  ChatSettings settings = state.chat.settings();
  if (text.empty()) {
    write_error(settings.system.empty() ? "no system prompt\n" : make_visible(settings.system) + "\n");
    return;
  }
  settings.system = text;
  state.chat.change(std::move(settings));
  state.chat.clear();
  print_note("new system prompt; the conversation starts anew");
}

void set_value(ChatState& state, const std::string& argument) {
  if (argument.empty()) {
    std::string out;
    for (const auto& [name, value] : list_settings(state.chat.settings()))
      out += fmt::format("  {:<18} {}\n", name, value);
    write_error(out);
    return;
  }
  const auto space = argument.find_first_of(" =");
  const std::string name = argument.substr(0, space);
  const auto value = space == std::string::npos ? space : argument.find_first_not_of(" =", space);
  if (value == std::string::npos) throw Error(Errc::range, fmt::format("/set {} needs a value", name));
  ChatSettings settings = state.chat.settings();
  change_setting(settings, name, argument.substr(value));
  state.chat.change(std::move(settings));
  print_note(fmt::format("{} is {} from the next answer on", name, argument.substr(value)));
}

void show(ChatState& state, const std::string&) {
  const ModelInfo info = state.chat.model().info();
  const ChatSettings& settings = state.chat.settings();
  std::string out = fmt::format("  {:<18} {}\n", "model", make_visible(info.name));
  out += fmt::format("  {:<18} {}, {} parameters, {}\n", "", make_visible(info.architecture),
                     format_count(info.parameters), info.type);
  out += fmt::format("  {:<18} {} layers, {} wide, {} heads, {} for keys and values\n", "", info.layers,
                     info.hidden, info.heads, info.kv_heads);
  out += fmt::format("  {:<18} {} tokens, trained for {}\n", "context", state.chat.session().context(),
                     info.trained_context);
  out += fmt::format("  {:<18} {}\n", "system prompt",
                     settings.system.empty() ? "none" : make_visible(settings.system));
  for (const auto& [name, value] : list_settings(settings)) out += fmt::format("  {:<18} {}\n", name, value);
  write_error(out);
}

std::string rate(long tokens, double seconds) {
  if (seconds <= 0) return fmt::format("{} tokens", tokens);
  return fmt::format("{} tokens in {:.2f} s, {:.1f} tokens/s", tokens, seconds,
                     static_cast<double>(tokens) / seconds);
}

void show_stats(ChatState& state, const std::string&) {
  const ChatTotals& totals = state.chat.totals();
  Session& session = state.chat.session();
  const ModelInfo info = state.chat.model().info();
  std::string out = fmt::format("  {:<12} {} in this chat, {} turns remembered\n", "answers", totals.answers,
                                state.chat.turns().size());
  out += fmt::format("  {:<12} {}\n", "read", rate(totals.read_tokens, totals.read_seconds));
  out += fmt::format("  {:<12} {}\n", "written", rate(totals.written_tokens, totals.write_seconds));
  out += fmt::format("  {:<12} {} of {} tokens\n", "context", session.size(), session.context());
  out += fmt::format("  {:<12} {} for weights, {} for this chat\n", "memory", format_bytes(info.weight_bytes),
                     format_bytes(session.bytes()));
  out += fmt::format("  {:<12} {} threads, {} kernels\n", "computing", session.threads(), info.isa);
  out += fmt::format("  {:<12} {}\n", "seed", state.chat.seed());
  write_error(out);
}

void undo(ChatState& state, const std::string&) {
  print_note(state.chat.undo() ? "the last turn is forgotten" : "there is nothing to undo");
}

void retry(ChatState& state, const std::string&) {
  state.answer_again = !state.chat.turns().empty();
  if (!state.answer_again) print_note("there is nothing to answer again");
}

void read_file(ChatState& state, const std::string& path) {
  if (path.empty()) throw Error(Errc::missing, "/read needs a file");
  const std::string text = read_text(path);
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
    {"/show", "", "Show the model and the settings", show},
    {"/stats", "", "Show speed and memory", show_stats},
    {"/undo", "", "Forget the last turn", undo},
    {"/retry", "", "Answer the last message again", retry},
    {"/read", "FILE", "Send a text file along with the next message", read_file},
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::span<const ChatCommand> chat_commands() { return kCommands; }

std::vector<std::string> chat_words() {
  std::vector<std::string> words;
  for (const ChatCommand& command : kCommands) words.emplace_back(command.name);
  for (const auto& [name, value] : list_settings({})) words.push_back(fmt::format("/set {}", name));
  return words;
}

bool run_chat_command(ChatState& state, std::string_view line) {
  const auto space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const auto* command = std::find_if(std::begin(kCommands), std::end(kCommands),
                                     [&](const ChatCommand& c) { return c.name == name; });
  if (command == std::end(kCommands)) return false;
  const std::string_view rest = space == std::string_view::npos ? "" : trim(line.substr(space));
  command->run(state, std::string(rest));
  return true;
}

}  // namespace longhand::cli
