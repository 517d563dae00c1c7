#include "engine/chat/chat_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/chat/tools/call_form.h"
#include "ops/error.h"

namespace longhand {
namespace {

constexpr std::string_view kChatMl =
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

// Words no template contains by itself.
constexpr std::string_view kProbeUser = "zqprobeuser", kProbeAnswer = "zqprobeanswer",
                           kProbeSystem = "zqprobesystem";

// Room beyond the basic budget: templates take some hundred steps a message, some look at all earlier
// messages too, and all copy the texts a few times.
constexpr std::uint64_t kStepsPerMessage = 50'000, kCopies = 16;

/// Builds the variables of a template.
class Variables {
 public:
  explicit Variables(jinja::Heap& heap) : heap_(heap), all_(heap.dict()) {}
  void set(std::string_view name, jinja::Value value) { all_->set(heap_, heap_.string(name), value); }
  void set(std::string_view name, std::string_view text) { set(name, heap_.string(text)); }
  const jinja::Dict& all() const { return *all_; }

 private:
  jinja::Heap& heap_;
  jinja::Dict* all_;
};

// The caller's own variables, which come after, and so over, all others.
void set_variables(jinja::Heap& heap, Variables& variables, const std::string& text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) throw Error(Errc::type, "variables of the chat template: must be a JSON object");
  for (const auto& [name, value] : json.items())
    variables.set(name, json_value(heap, value.dump(), name.c_str()));
}

// Without a system role its text comes before that of the first user message.
std::vector<ChatMessage> without_system(std::span<const ChatMessage> messages) {
  std::vector<ChatMessage> out;
  std::string system;
  for (const ChatMessage& message : messages) {
    if (message.role == "system") {
      if (!system.empty()) system += "\n\n";
      system += message.content;
      continue;
    }
    out.push_back(message);
    if (message.role == "user" && !system.empty()) {
      out.back().content = system + "\n\n" + message.content;
      system.clear();
    }
  }
  if (!system.empty()) out.push_back({"user", system, ""});
  return out;
}

bool speaks_of_tools(std::span<const ChatMessage> messages) {
  return std::ranges::any_of(messages,
                             [](const ChatMessage& m) { return !m.tool_calls.empty() || m.role == "tool"; });
}

// The form of tool calls whose hint is a token; null: none.
const CallForm* form_with_marker(const Vocab& vocab) {
  for (const auto token : vocab.tokens) {
    if (!std::string_view(token).starts_with("<")) continue;
    for (const CallForm& form : call_forms()) {
      if (!form.hint.empty() && form.hint == token) return &form;
    }
  }
  return nullptr;
}

}  // namespace

ChatSource chat_source(const Vocab& vocab) {
  const auto text = [&](Token token) {
    return token == kNoToken ? std::string() : std::string(vocab.tokens[std::size_t(token)]);
  };
  return {vocab.chat_template, text(vocab.bos), text(vocab.eos), vocab.model_name, std::nullopt, &vocab};
}

ChatFormat::ChatFormat(ChatSource source) : source_(std::move(source)) {
  std::string why = "the model has no chat template";
  if (!source_.template_text.empty()) {
    try {
      template_.emplace(source_.template_text);
    } catch (const Error& error) { why = error.what(); }
  }
  if (!template_ || !find_dialect(why)) use_fallback(why);
  reasoning_ = find_reasoning_style(source_.template_text);
  const std::array<ChatMessage, 2> with_system = {
      {{"system", std::string(kProbeSystem), ""}, {"user", std::string(kProbeUser), ""}}};
  try {
    accepts_system_ = shows(with_system, kProbeSystem) && shows(with_system, kProbeUser);
  } catch (const Error&) { accepts_system_ = false; }
}

const ToolDialect& ChatFormat::tools() const {
  std::call_once(tools_->found, [this] {
    tools_->dialect = find_tool_dialect(
        [this](std::span<const ChatMessage> messages, const ChatOptions& options, const ToolDialect& tools) {
          return std::string(run(messages, options, tools).view());
        },
        fallback_ ? "" : source_.template_text,
        source_.vocab == nullptr ? nullptr : form_with_marker(*source_.vocab));
  });
  return tools_->dialect;
}

void ChatFormat::use_fallback(const std::string& why) {
  fallback_ = true;
  dialect_ = {};
  template_.emplace(kChatMl);
  const std::string name = source_.model_name.empty() ? "this model" : source_.model_name;
  warnings_.push_back(fmt::format("{}: {}; using the ChatML format, answers may suffer", name, why));
}

// Tries the ways templates may want their input until one shows the whole of a small conversation.
bool ChatFormat::find_dialect(std::string& why) {
  const std::array<ChatMessage, 3> probe = {{{"user", std::string(kProbeUser), ""},
                                             {"assistant", std::string(kProbeAnswer), ""},
                                             {"user", std::string(kProbeUser), ""}}};
  why = "its chat template leaves out messages";
  bool failed = false;
  for (const Dialect dialect :
       {Dialect{false, false}, Dialect{false, true}, Dialect{true, false}, Dialect{true, true}}) {
    dialect_ = dialect;
    try {
      if (shows(probe, kProbeUser) && shows(probe, kProbeAnswer)) return true;
    } catch (const Error& error) {
      if (!failed) why = error.what();
      failed = true;
    }
  }
  return false;
}

bool ChatFormat::shows(std::span<const ChatMessage> messages, std::string_view text) const {
  return run(messages, {}).view().find(text) != std::string_view::npos;
}

jinja::Text ChatFormat::run(std::span<const ChatMessage> messages, const ChatOptions& options) const {
  return run(messages, options, speaks_of_tools(messages) ? tools() : ToolDialect{});
}

jinja::Text ChatFormat::run(std::span<const ChatMessage> messages, const ChatOptions& options,
                            const ToolDialect& tools) const {
  jinja::Heap heap;
  Variables variables(heap);
  std::vector<jinja::Value> list;
  for (const ChatMessage& message : messages)
    list.push_back(message_value(heap, message, dialect_.content_parts, tools));
  variables.set("messages", heap.list(std::move(list)));
  const jinja::Value no_tools = dialect_.empty_tools ? heap.list({}) : jinja::Value::none();
  variables.set("tools", options.tools.empty() ? no_tools : json_value(heap, options.tools, "tools"));
  variables.set("documents", jinja::Value::none());
  variables.set("add_generation_prompt", jinja::Value::boolean(options.add_generation_prompt));
  variables.set("bos_token", source_.bos);
  variables.set("eos_token", source_.eos);
  if (options.thinking) {
    variables.set("enable_thinking", jinja::Value::boolean(*options.thinking));
    variables.set("thinking", jinja::Value::boolean(*options.thinking));
  }
  if (!options.reasoning_effort.empty()) {
    variables.set("reasoning_effort", heap.string(options.reasoning_effort, false));
  }
  if (!options.variables.empty()) set_variables(heap, variables, options.variables);
  jinja::RenderOptions render;
  render.now = source_.now;
  render.mutable_data = true;  // every rendering has its own data; some published templates append to lists
  for (const ChatMessage& message : messages) {
    const std::size_t size = message.content.size() + message.tool_calls.size();
    render.limits.steps += kStepsPerMessage + 4 * size;
    render.limits.bytes += kCopies * size;
  }
  const std::size_t more = options.tools.size() + options.variables.size();
  render.limits.steps += 16 * more;
  render.limits.bytes += kCopies * more;
  return template_->render(heap, variables.all(), render);
}

std::vector<PromptPiece> ChatFormat::render(std::span<const ChatMessage> messages,
                                            const ChatOptions& options) const {
  std::vector<ChatMessage> changed;
  if (speaks_of_tools(messages)) messages = changed = with_results_shown(messages, tools());
  if (!accepts_system_) messages = changed = without_system(messages);
  const jinja::Text text = run(messages, options);
  std::vector<PromptPiece> pieces;
  text.each_run([&](std::string_view run, bool trusted) { pieces.push_back({std::string(run), trusted}); });
  return pieces;
}

std::vector<PromptPiece> ChatFormat::prompt(std::span<const ChatMessage> messages,
                                            const ChatOptions& options) const {
  std::vector<PromptPiece> pieces = render(messages, options);
  if (options.thinking == false && opens_reasoning(pieces))
    pieces.push_back({"\n" + reasoning_.close + "\n\n", true});
  return pieces;
}

bool ChatFormat::opens_reasoning(std::span<const PromptPiece> prompt) const {
  if (reasoning_.form != ReasoningStyle::Form::pair || prompt.empty() || !prompt.back().trusted) return false;
  std::string_view end = prompt.back().text;
  while (!end.empty() && (end.back() == '\n' || end.back() == ' ')) end.remove_suffix(1);
  return end.ends_with(reasoning_.open);
}

}  // namespace longhand
