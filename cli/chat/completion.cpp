#include "cli/chat/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/chat/chat_commands.h"
#include "cli/chat/chat_settings.h"
#include "cli/chat/session_settings.h"
#include "cli/models/model_places.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/user_dirs.h"

namespace longhand::cli {
namespace fs = std::filesystem;
namespace {

using Words = std::vector<std::string>;

constexpr std::size_t kMaxFiles = 1000;

// Files and folders as the user began to write them, "~/" and all.
Words files(const std::string& typed) {
  const auto slash = typed.rfind('/');
  const std::string shown = slash == std::string::npos ? "" : typed.substr(0, slash + 1);
  const bool hidden = typed.substr(shown.size()).starts_with('.');
  const std::string folder = shown.empty() ? "." : expand_home(shown);
  Words out;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end && out.size() < kMaxFiles;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    // A name that could not be shown could not be typed on either.
    if (name.starts_with('.') != hidden || make_visible(name) != name) continue;
    std::error_code ignored;
    out.push_back(shown + name + (entry->is_directory(ignored) ? "/" : ""));
  }
  return out;
}

Words setting_names() {
  Words out;
  for (const NamedValue& row : list_settings({})) out.emplace_back(row.name);
  for (const NamedValue& row : list_session_settings({})) out.emplace_back(row.name);
  return out;
}

struct Argument {
  std::string_view command;
  Words (*words)(const std::string& typed, const ChatStore& chats);
};

const Argument kArguments[] = {
    {"/read", [](const std::string& typed, const ChatStore&) { return files(typed); }},
    {"/set", [](const std::string&, const ChatStore&) { return setting_names(); }},
    {"/think",
     [](const std::string&, const ChatStore&) {
       return Words{"auto", "hide", "high", "low", "medium", "off", "on", "show"};
     }},
    {"/model",
     [](const std::string& typed, const ChatStore&) {
       Words words = files(typed);
       for (const FoundModel& model : find_models()) words.push_back(model.label);
       return words;
     }},
    {"/copy", [](const std::string&, const ChatStore&) { return Words{"code"}; }},
    {"/load", [](const std::string&, const ChatStore& chats) { return chats.names(); }},
    {"/save", [](const std::string&, const ChatStore& chats) { return chats.names(); }},
    {"/fork", [](const std::string&, const ChatStore& chats) { return chats.names(); }},
};

Words all_words(const std::string& typed, const ChatStore& chats) {
  const auto space = typed.find(' ');
  Words words;
  if (space == std::string::npos) {
    for (const ChatCommand& command : chat_commands()) words.emplace_back(command.name);
    return words;
  }
  const std::string command = typed.substr(0, space);
  const std::string before = typed.substr(0, std::min(typed.find_first_not_of(' ', space), typed.size()));
  for (const Argument& argument : kArguments) {
    if (argument.command != command) continue;
    for (const std::string& word : argument.words(typed.substr(before.size()), chats))
      words.push_back(before + word);
  }
  return words;
}

}  // namespace

Words complete_line(const std::string& typed, const ChatStore& chats) {
  if (!typed.starts_with('/')) return {};
  Words words = all_words(typed, chats);
  std::erase_if(words, [&](const std::string& word) { return !word.starts_with(typed); });
  std::ranges::sort(words);
  return words;
}

}  // namespace longhand::cli
