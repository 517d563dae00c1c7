// What a chat completion is asked for.
#include "cli/serve/api/chat_fields.h"
#include "cli/serve/api/lora.h"
#include "cli/serve/api/openai_shapes.h"
#include "cli/serve/api/sampling_fields.h"

namespace longhand::cli {
namespace {

constexpr int kMostAnswers = 64, kMostTokens = 1 << 30;

void read_template_options(const Service& service, const Fields& fields, ChatOptions& chat) {
  chat.variables = service.options().variables;
  if (const Json* variables = fields.object("chat_template_kwargs")) {
    chat.variables = dump(*variables);
    const auto thinking = variables->find("enable_thinking");
    if (thinking != variables->end() && thinking->is_boolean()) chat.thinking = thinking->get<bool>();
  }
  chat.reasoning_effort = fields.text("reasoning_effort", "");
  if (chat.reasoning_effort == "none") {
    chat.reasoning_effort.clear();
    chat.thinking = false;
  }
  if (const auto thinking = fields.flag("enable_thinking")) chat.thinking = thinking;
}

}  // namespace

void read_tools(const Fields& fields, ChatAsk& ask) {
  if (const Json* tools = fields.array("tools"); tools != nullptr && !tools->empty())
    ask.tools = dump(*tools);
  ask.tool_options.parallel = fields.flag("parallel_tool_calls", true);
  const Json* choice = fields.find("tool_choice");
  if (choice == nullptr) return;
  if (choice->is_object()) {
    const Fields named(*choice, fields.path_of("tool_choice") + ".");
    const Json* function = named.object("function");
    ask.tool_options.choice = ToolChoice::required;
    ask.tool_options.name = function == nullptr
                                ? named.needed_text("name")
                                : Fields(*function, named.path_of("function.")).needed_text("name");
    return;
  }
  const std::string word = fields.text("tool_choice", "auto");
  if (word == "none") {
    ask.tool_options.choice = ToolChoice::none;
  } else if (word == "required" || word == "any") {
    ask.tool_options.choice = ToolChoice::required;
  } else if (word != "auto") {
    fields.refuse("tool_choice", "none, auto, required or a function");
  }
}

namespace {

std::optional<SpeculationOptions> read_speculation(const Service& service, const Fields& fields) {
  const Json* given = fields.find("speculation");
  if (given == nullptr) return service.options().speculation;
  if (*given == "lookup") return SpeculationOptions();
  if (!given->is_boolean()) fields.refuse("speculation", "true, false or \"lookup\"");
  if (!given->get<bool>()) return std::nullopt;
  return service.options().speculation.value_or(SpeculationOptions());
}

}  // namespace

void read_limits(const Service& service, const Fields& fields, ChatAsk& ask) {
  ask.sampler = service.options().sampler;
  read_sampling(fields, service.model().info().vocab, ask.sampler);
  ask.max_tokens = service.options().max_tokens;
  for (const char* name : {"max_tokens", "max_completion_tokens", "n_predict"})
    if (const auto most = fields.integer(name, -1, kMostTokens)) ask.max_tokens = int(*most);
  ask.answers = int(fields.integer("n", 1, kMostAnswers).value_or(1));
  ask.priority = int(fields.integer("priority", -1000, 1000).value_or(0));
  ask.stop = read_stops(fields, "stop");
  ask.lora = read_lora(service, fields);
  ask.speculation = read_speculation(service, fields);
}

void hold_to_schema(std::string schema, ChatAsk& ask) {
  ask.tool_options.answer_schema = std::move(schema);
  ask.sampler.grammar.clear();
  ask.chat.thinking = ask.chat.thinking.value_or(false);
}

ChatAsk read_chat(const Service& service, const Fields& fields) {
  ChatAsk ask;
  ask.messages = read_messages(fields);
  read_template_options(service, fields, ask.chat);
  read_tools(fields, ask);
  read_limits(service, fields, ask);
  if (auto schema = format_schema(fields, "response_format")) hold_to_schema(*std::move(schema), ask);
  if (fields.flag("logprobs", false))
    ask.top_log_probabilities = int(fields.integer("top_logprobs", 0, 20).value_or(0));
  return ask;
}

}  // namespace longhand::cli
