#include "engine/chat/tools/tool_prompt.h"

#include <fmt/format.h>

#include "engine/chat/tools/call_writer.h"

namespace longhand {

std::string tool_instructions(std::span<const Tool> tools, const ToolDialect& dialect, bool several) {
  std::string words =
      "You can call functions. These are there, each a JSON object with a schema of its parameters:\n";
  for (const Tool& tool : tools) words += dumped(tool.function) + "\n";
  const ToolCall example{"call00001", "NAME", R"({"PARAMETER": "VALUE"})", true};
  words += "\nTo call a function, write its name and its arguments in exactly this form, and then stop:\n";
  words += prompt_text(write_calls(*dialect.form, {&example, 1}));
  words += "\n\nIts result comes in the next message.";
  if (several && dialect.form->several) words += " Several calls may follow each other.";
  return words + " Call a function only where it helps to answer; otherwise answer as usual.";
}

std::vector<ChatMessage> with_instructions(std::span<const ChatMessage> messages, const std::string& words) {
  std::vector<ChatMessage> out(messages.begin(), messages.end());
  if (!out.empty() && out.front().role == "system") {
    out.front().content += "\n\n" + words;
  } else {
    out.insert(out.begin(), {"system", words});
  }
  return out;
}

}  // namespace longhand
