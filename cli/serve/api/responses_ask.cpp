// What /v1/responses is asked for: items instead of messages.
#include "cli/serve/api/api_error.h"
#include "cli/serve/api/chat_fields.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/api/responses.h"
#include "cli/serve/api/sampling_fields.h"

namespace longhand::cli {
namespace {

// Items one after the other become messages; those of one answer become one.
class Items {
 public:
  void read(const Fields& item) {
    const std::string type = item.text("type", "message");
    if (type == "message") return read_message(item);
    if (type == "function_call") return read_call(item);
    if (type == "function_call_output") return read_output(item);
    if (type == "reasoning") return read_reasoning(item);
    item.refuse("type", fmt::format("message, reasoning, function_call or function_call_output, not {}",
                                    escape_controls(type, 40)));
  }
  std::vector<ChatMessage> messages() {
    end_answer();
    return std::move(messages_);
  }
  void add_system(const std::string& text) { messages_.push_back({.role = "system", .content = text}); }

 private:
  ChatMessage& answer() {
    if (!answer_) answer_ = ChatMessage{.role = "assistant", .content = ""};
    return *answer_;
  }
  void end_answer() {
    if (!answer_) return;
    if (!calls_.empty()) answer_->tool_calls = dump(calls_);
    messages_.push_back(*std::move(answer_));
    answer_.reset();
    calls_ = Json::array();
  }
  void read_message(const Fields& item) {
    std::string role = item.needed_text("role");
    if (role == "developer") role = "system";
    if (role == "assistant" && calls_.empty()) {
      answer().content += content_text(item);
      return;
    }
    end_answer();
    messages_.push_back({.role = role, .content = content_text(item)});
  }
  void read_call(const Fields& item) {
    answer();
    calls_.push_back(
        {{"id", item.needed_text("call_id")},
         {"type", "function"},
         {"function", {{"name", item.needed_text("name")}, {"arguments", item.text("arguments", "{}")}}}});
  }
  void read_output(const Fields& item) {
    end_answer();
    ChatMessage result{.role = "tool", .content = content_text(item, "output")};
    result.tool_call_id = item.needed_text("call_id");
    messages_.push_back(std::move(result));
  }
  void read_reasoning(const Fields& item) {
    end_answer();
    const Json* content = item.array("content");
    for (std::size_t i = 0; content != nullptr && i < content->size(); ++i)
      answer().reasoning += item_of(*content, i, item.path_of("content")).text("text", "");
  }

  std::vector<ChatMessage> messages_;
  std::optional<ChatMessage> answer_;  // of items that came so far
  Json calls_ = Json::array();
};

// Functions lie one level higher than in chat completions; tools of other types run at OpenAI only.
void read_functions(const Fields& fields, ChatAsk& ask) {
  Json tools = Json::array();
  const Json* given = fields.array("tools");
  for (std::size_t i = 0; given != nullptr && i < given->size(); ++i) {
    const Fields tool = item_of(*given, i, "tools");
    if (tool.needed_text("type") != "function") continue;
    Json function = {{"name", tool.needed_text("name")}, {"description", tool.text("description", "")}};
    if (const Json* parameters = tool.object("parameters")) function["parameters"] = *parameters;
    tools.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  Json rest = Json::object();
  for (const char* name : {"tool_choice", "parallel_tool_calls"})
    if (const Json* value = fields.find(name)) rest[name] = *value;
  if (!tools.empty()) rest["tools"] = std::move(tools);
  read_tools(Fields(rest), ask);
}

}  // namespace

ChatAsk read_response_ask(const Service& service, const Fields& fields) {
  ChatAsk ask;
  read_limits(service, fields, ask);
  ask.answers = 1;
  if (const auto most = fields.integer("max_output_tokens", 0, 1 << 30)) ask.max_tokens = int(*most);
  ask.chat.variables = service.options().variables;
  if (fields.has("previous_response_id"))
    fields.refuse("previous_response_id", "absent: nothing is stored here, send the whole conversation");
  Items items;
  if (const auto instructions = fields.text("instructions"); instructions && !instructions->empty())
    items.add_system(*instructions);
  const Json* input = fields.find("input");
  if (input == nullptr) throw ApiError(400, "input is missing", "input");
  if (input->is_string()) {
    const Json message = {{"role", "user"}, {"content", *input}};
    items.read(Fields(message));
  } else {
    const Json* list = fields.array("input");
    for (std::size_t i = 0; i < list->size(); ++i) items.read(item_of(*list, i, "input"));
  }
  ask.messages = items.messages();
  read_functions(fields, ask);
  if (const Json* reasoning = fields.object("reasoning"))
    ask.chat.reasoning_effort = Fields(*reasoning, "reasoning.").text("effort", "");
  if (const Json* text = fields.object("text"))
    if (auto schema = format_schema(Fields(*text, "text."), "format"))
      hold_to_schema(*std::move(schema), ask);
  return ask;
}

}  // namespace longhand::cli
