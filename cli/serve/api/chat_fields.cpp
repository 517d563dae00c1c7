#include "cli/serve/api/chat_fields.h"

#include <algorithm>
#include <array>

#include "cli/serve/api/api_error.h"

namespace longhand::cli {
namespace {

constexpr std::array kTextParts = {"text", "input_text", "output_text"};

std::string part_text(const Fields& part) {
  const std::string type = part.text("type", "text");
  if (std::ranges::find(kTextParts, type) == kTextParts.end())
    part.refuse("type", fmt::format("text: this model reads no {}", escape_controls(type, 40)));
  return part.needed_text("text");
}

ChatMessage read_message(const Fields& fields) {
  ChatMessage message;
  message.role = fields.needed_text("role");
  if (message.role == "developer") message.role = "system";
  message.content = content_text(fields);
  for (const char* name : {"reasoning_content", "reasoning"}) {
    if (!fields.has(name) || !message.reasoning.empty()) continue;
    message.reasoning = fields.text(name, "");
  }
  if (const Json* calls = fields.array("tool_calls"); calls != nullptr && !calls->empty())
    message.tool_calls = dump(*calls);
  message.tool_call_id = fields.text("tool_call_id", "");
  message.name = fields.text("name", "");
  return message;
}

}  // namespace

std::string content_text(const Fields& message, const char* name) {
  const Json* content = message.find(name);
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) message.refuse(name, "a string or an array of parts");
  std::string text;
  for (std::size_t i = 0; i < content->size(); ++i)
    text += part_text(item_of(*content, i, message.path_of(name)));
  return text;
}

std::vector<ChatMessage> read_messages(const Fields& fields, const char* name) {
  const Json* messages = fields.array(name);
  if (messages == nullptr || messages->empty())
    throw ApiError(400, fmt::format("{} must be an array of messages", fields.path_of(name)),
                   fields.path_of(name));
  std::vector<ChatMessage> out;
  for (std::size_t i = 0; i < messages->size(); ++i)
    out.push_back(read_message(item_of(*messages, i, fields.path_of(name))));
  return out;
}

}  // namespace longhand::cli
