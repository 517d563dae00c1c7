#include "cli/serve/api/anthropic_ask.h"

#include "cli/serve/api/api_error.h"
#include "cli/serve/api/lora.h"
#include "cli/serve/api/sampling_fields.h"

namespace longhand::cli {
namespace {

// Claude Code begins its system prompt with a block that is another one in each request, and meant for a
// meter. It would spoil what is kept of the text behind it.
constexpr std::string_view kMeter = "x-anthropic-";

// Text of a string or of blocks of the type text.
std::string text_of(const Fields& fields, const char* name) {
  const Json* content = fields.find(name);
  if (content == nullptr) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) fields.refuse(name, "a string or an array of blocks");
  std::string text;
  for (std::size_t i = 0; i < content->size(); ++i) {
    const Fields block = item_of(*content, i, fields.path_of(name));
    if (block.needed_text("type") != "text") block.refuse("type", "text: this model reads nothing else here");
    const std::string part = block.needed_text("text");
    if (part.starts_with(kMeter)) continue;
    if (!text.empty()) text += "\n\n";
    text += part;
  }
  return text;
}

// The blocks of one message, which become a message and those of the tools before it.
class Blocks {
 public:
  explicit Blocks(const std::string& role) { message_.role = role; }

  void read(const Fields& block) {
    const std::string type = block.needed_text("type");
    if (type == "text") {
      if (!message_.content.empty()) message_.content += "\n\n";
      message_.content += block.needed_text("text");
    } else if (type == "thinking") {
      message_.reasoning += block.text("thinking", "");
    } else if (type == "tool_use") {
      const Json* input = block.object("input");
      calls_.push_back({{"id", block.needed_text("id")},
                        {"type", "function"},
                        {"function",
                         {{"name", block.needed_text("name")},
                          {"arguments", input == nullptr ? Json::object() : *input}}}});
    } else if (type == "tool_result") {
      ChatMessage result{.role = "tool", .content = text_of(block, "content")};
      result.tool_call_id = block.needed_text("tool_use_id");
      results_.push_back(std::move(result));
    } else if (type != "redacted_thinking") {
      block.refuse("type",
                   fmt::format("text, thinking, tool_use or tool_result, not {}", escape_controls(type, 40)));
    }
  }

  void add_to(std::vector<ChatMessage>& messages) {
    const bool only_results = !results_.empty() && message_.content.empty();
    for (ChatMessage& result : results_) messages.push_back(std::move(result));
    if (only_results) return;
    if (!calls_.empty()) message_.tool_calls = dump(calls_);
    messages.push_back(std::move(message_));
  }

 private:
  ChatMessage message_;
  Json calls_ = Json::array();
  std::vector<ChatMessage> results_;
};

void read_message(const Fields& fields, std::vector<ChatMessage>& messages) {
  const std::string role = fields.needed_text("role");
  if (role != "user" && role != "assistant" && role != "system") fields.refuse("role", "user or assistant");
  Blocks blocks(role);
  const Json* content = fields.find("content");
  if (content != nullptr && content->is_string()) {
    const Json block = {{"type", "text"}, {"text", *content}};
    blocks.read(Fields(block));
  } else {
    const Json* array = fields.array("content");
    if (array == nullptr)
      throw ApiError(400, fields.path_of("content is missing"), fields.path_of("content"));
    for (std::size_t i = 0; i < array->size(); ++i)
      blocks.read(item_of(*array, i, fields.path_of("content")));
  }
  blocks.add_to(messages);
}

void read_tools(const Fields& fields, ChatAsk& ask) {
  Json tools = Json::array();
  if (const Json* given = fields.array("tools")) {
    for (std::size_t i = 0; i < given->size(); ++i) {
      const Fields tool = item_of(*given, i, "tools");
      const Json* schema = tool.object("input_schema");
      if (schema == nullptr) continue;  // a tool that Anthropic's own servers run
      tools.push_back({{"type", "function"},
                       {"function",
                        {{"name", tool.needed_text("name")},
                         {"description", tool.text("description", "")},
                         {"parameters", *schema}}}});
    }
  }
  if (!tools.empty()) ask.tools = dump(tools);
  const Json* given = fields.object("tool_choice");
  if (given == nullptr) return;
  const Fields choice(*given, "tool_choice.");
  const std::string type = choice.needed_text("type");
  ask.tool_options.parallel = !choice.flag("disable_parallel_tool_use", false);
  if (type == "none") ask.tool_options.choice = ToolChoice::none;
  if (type == "any" || type == "tool") ask.tool_options.choice = ToolChoice::required;
  if (type == "tool") ask.tool_options.name = choice.needed_text("name");
}

}  // namespace

ChatAsk read_anthropic_conversation(const Service& service, const Fields& fields) {
  ChatAsk ask;
  ask.chat.variables = service.options().variables;
  if (const std::string system = text_of(fields, "system"); !system.empty())
    ask.messages.push_back({.role = "system", .content = system});
  const Json* messages = fields.array("messages");
  if (messages == nullptr || messages->empty())
    throw ApiError(400, "messages must be an array of messages", "messages");
  for (std::size_t i = 0; i < messages->size(); ++i)
    read_message(item_of(*messages, i, "messages"), ask.messages);
  read_tools(fields, ask);
  if (const Json* given = fields.object("thinking")) {
    const std::string type = Fields(*given, "thinking.").text("type", "");
    if (type == "disabled") ask.chat.thinking = false;
    if (type == "enabled" || type == "adaptive") ask.chat.thinking = true;
  }
  return ask;
}

ChatAsk read_anthropic_ask(const Service& service, const Fields& fields) {
  ChatAsk ask = read_anthropic_conversation(service, fields);
  ask.sampler = service.options().sampler;
  read_sampling(fields, service.model().info().vocab, ask.sampler);
  const auto most = fields.integer("max_tokens", 0, 1 << 30);
  if (!most) throw ApiError(400, "max_tokens is missing", "max_tokens");
  ask.max_tokens = int(*most);
  ask.stop = read_stops(fields, "stop_sequences");
  ask.lora = read_lora(service, fields);
  return ask;
}

}  // namespace longhand::cli
