#include "engine/chat/tools/tool_dialect.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/chat/tools/answer_reader.h"
#include "engine/chat/tools/call_form.h"
#include "engine/chat/tools/tool_list.h"
#include "ops/error.h"

namespace longhand {
namespace {

// Words no template contains by itself.
constexpr std::string_view kUser = "zqprobeuser", kResult = "zqproberesult";
const char* const kTools =
    R"([{"type": "function", "function": {"name": "zqfunction", "description": "zqdescription",
    "parameters": {"type": "object", "properties": {"zqtext": {"type": "string", "description": "zqd"},
    "zqnumber": {"type": "integer", "description": "zqd"}}, "required": ["zqtext"]}}}])";
const char* const kArguments = R"({"zqtext": "zqvalue", "zqnumber": 7})";
constexpr std::string_view kShortId = "zqabcde01", kLongId = "zq_identity_of_a_call";

class Finder {
 public:
  Finder(const DialectTrial& trial, const ToolDialect& dialect) : trial_(trial), dialect_(dialect) {}

  /// What the template writes for `messages`; nothing where it refuses them.
  std::optional<std::string> text(const std::vector<ChatMessage>& messages) const {
    ChatOptions options;
    options.add_generation_prompt = false;
    if (dialect_.shows_tools) options.tools = kTools;
    try {
      return trial_(messages, options, dialect_);
    } catch (const Error&) { return std::nullopt; }
  }
  /// The same behind the last words of the user.
  std::optional<std::string> answer(const std::vector<ChatMessage>& messages) const {
    const auto all = text(messages);
    const std::size_t at = all ? all->rfind(kUser) : std::string::npos;
    if (at == std::string::npos) return std::nullopt;
    return all->substr(at + kUser.size());
  }

 private:
  const DialectTrial& trial_;
  const ToolDialect& dialect_;
};

ChatMessage user() { return {"user", std::string(kUser)}; }
ChatMessage call(std::string_view id) {
  const Json one = {{"id", id},
                    {"type", "function"},
                    {"function", {{"name", "zqfunction"}, {"arguments", Json::parse(kArguments)}}}};
  return {"assistant", "", "", Json::array({one}).dump()};
}
ChatMessage result(std::string_view id) {
  return {"tool", std::string(kResult), "", "", std::string(id), "zqfunction"};
}

// The form whose reader reads exactly that call from `text`.
const CallForm* form_of(const std::string& text) {
  static const std::vector<Tool> kProbe = read_tools(kTools);
  for (const CallForm& form : call_forms()) {
    // Behind the words of the user come markers of turns, which count as a channel's header in that form.
    const auto form_of_reasoning =
        form.in_header ? ReasoningStyle::Form::channels : ReasoningStyle::Form::none;
    for (const CallForm::Start& start : form.starts) {
      const std::size_t at = text.find(start.text);
      if (at == std::string::npos) continue;
      AnswerReader one({form_of_reasoning, "", ""}, {}, &form, kProbe);
      (void)one.push(std::string_view(text).substr(form.in_header ? 0 : at));
      (void)one.finish();
      const auto& calls = one.calls();
      const bool same = calls.size() == 1 && calls[0].whole && calls[0].name == "zqfunction" &&
                        nlohmann::json::parse(calls[0].arguments) == nlohmann::json::parse(kArguments);
      if (same) return &form;
    }
  }
  return nullptr;
}

// Tries the ways templates may want calls until one is written in a known form.
void find_calls(const DialectTrial& trial, ToolDialect& dialect) {
  const ToolDialect before = dialect;
  for (const bool none : {false, true}) {
    for (const bool as_text : {false, true}) {
      dialect.arguments_as_text = as_text;
      dialect.content_as_none = none;
      const auto written = Finder(trial, dialect).answer({user(), call(kShortId)});
      dialect.form = written ? form_of(*written) : nullptr;
      if (dialect.form == nullptr) continue;
      dialect.shows_calls = true;
      return;
    }
  }
  dialect = before;
  // In a form of its own, which nobody here reads: conversations are rendered as the template says all the
  // same.
  const auto written = Finder(trial, dialect).answer({user(), call(kShortId)});
  dialect.shows_calls = written && written->find("zqfunction") != std::string::npos;
}

}  // namespace

ToolDialect find_tool_dialect(const DialectTrial& trial, std::string_view template_text,
                              const CallForm* vocabulary_form) {
  ToolDialect dialect;
  const Finder finder(trial, dialect);
  dialect.shows_tools = true;
  const auto told = finder.text({user()});
  dialect.shows_tools = told && told->find("zqfunction") != std::string::npos;
  // Spares templates without tools the trials.
  if (template_text.find("tool") != std::string_view::npos) {
    find_calls(trial, dialect);
    const auto with_result = finder.answer({user(), call(kShortId), result(kShortId)});
    dialect.shows_results = with_result && with_result->find(kResult) != std::string::npos;
    dialect.short_ids =
        dialect.shows_calls && with_result && !finder.answer({user(), call(kLongId), result(kLongId)});
  }
  if (dialect.form != nullptr) return dialect;
  for (const CallForm& form : call_forms()) {
    const bool hinted = !form.hint.empty() && template_text.find(form.hint) != std::string_view::npos;
    if (dialect.form == nullptr && hinted) dialect.form = &form;
  }
  if (dialect.form == nullptr)
    dialect.form = vocabulary_form == nullptr ? &default_call_form() : vocabulary_form;
  return dialect;
}

}  // namespace longhand
