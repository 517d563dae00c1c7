#include "cli/chat/chat_tools.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/user_dirs.h"

namespace longhand::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string word_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? make_visible(found->get<std::string>()) : "";
}

// A line for each function. The text has been offered, so it is JSON of that form.
std::string list_of(const std::string& json) {
  std::string out;
  for (const Json& tool : Json::parse(json)) {
    const Json& function = tool.contains("function") ? tool["function"] : tool;
    out += fmt::format("  {:<22} {}\n", word_of(function, "name"), word_of(function, "description"));
  }
  return out;
}

}  // namespace

ToolOptions tool_options(const std::string& choice) {
  ToolOptions out;
  if (choice != "auto") out.choice = ToolChoice::required;
  if (choice != "auto" && choice != "required") out.name = choice;
  return out;
}

void offer_tools(ChatState& state, const std::string& json) {
  state.chat.offer(json, state.tool_options);
  for (const std::string& note : state.chat.tool_notes()) print_note(note);
}

void set_tools(ChatState& state, const std::string& file) {
  if (file.empty()) {
    const std::string& offered = state.chat.offered();
    return write_error(offered.empty() ? "the model may call no functions; /tools FILE offers some\n"
                                       : list_of(offered));
  }
  if (file == "off") {
    state.chat.offer("");
    return print_note("the model calls no functions from the next message on");
  }
  state.tool_options = {};  // which call was required is said of other functions
  offer_tools(state, read_text(expand_home(file)));
  print_note("the model may call these functions from the next message on:");
  write_error(list_of(state.chat.offered()));
}

}  // namespace longhand::cli
