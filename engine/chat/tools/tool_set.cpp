#include "engine/chat/tools/tool_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/api/access.h"
#include "engine/chat/tools/answer_reader.h"
#include "engine/chat/tools/tool_prompt.h"
#include "engine/forward/model.h"
#include "engine/sampling/grammar/gbnf_text.h"
#include "engine/sampling/schema/schema_set.h"
#include "engine/text/special_tokens.h"
#include "engine/types/memory_errors.h"

namespace longhand {
namespace {

void only_named(std::vector<Tool>& tools, const std::string& name) {
  std::erase_if(tools, [&](const Tool& tool) { return tool.name != name; });
  if (tools.empty()) {
    throw Error(Errc::range,
                fmt::format("tools: there is no function \"{}\" to be called", escape_controls(name, 60)));
  }
}

bool is_control(const Tokenizer& tokenizer, Token token) {
  return token != kNoToken && tokenizer.piece(token).empty();
}

// `text` as elements of GBNF: control tokens of the vocabulary as tokens, all else as bytes.
std::string spell_for(const Tokenizer& tokenizer, const SpecialTokens& specials, std::string_view text) {
  std::string out, plain;
  const auto flush = [&] {
    if (!plain.empty()) out += (out.empty() ? "" : " ") + gbnf_literal(plain);
    plain.clear();
  };
  for (const SpecialTokens::Fragment& fragment : specials.split(text, true)) {
    if (!is_control(tokenizer, fragment.token)) {
      plain += fragment.token == kNoToken ? std::string(fragment.text) : tokenizer.piece(fragment.token);
      continue;
    }
    flush();
    out += fmt::format("{}<[{}]>", out.empty() ? "" : " ", fragment.token);
  }
  flush();
  return out;
}

// The control tokens that texts of `form` are made of.
std::vector<Token> marker_tokens(const CallForm& form, const Tokenizer& tokenizer) {
  std::string all = form.section_begin + form.call + form.between + form.section_end + form.tag;
  for (const CallForm::Start& start : form.starts) all += start.text;
  for (const CallPart& part : call_parts(form.call)) {
    if (part.kind == CallPart::Kind::gemma) all += "<|\"|>";
    if (part.kind == CallPart::Kind::header) all += "<|constrain|>";
  }
  std::vector<Token> out;
  for (const Token token : tokenizer.encode(all, {.add_special = false, .parse_special = true})) {
    if (is_control(tokenizer, token) && std::ranges::find(out, token) == out.end()) out.push_back(token);
  }
  return out;
}

Json read_answer_schema(const std::string& text) {
  try {
    Json schema = parse_schema(text);
    if (schema.is_null()) throw Error(Errc::grammar, "it is null, must be an object");
    return schema;
  } catch (const Json::exception& error) {
    throw Error(Errc::grammar, fmt::format("schema: {}", error.what()));
  } catch (const Error& error) {
    throw Error(Errc::grammar, fmt::format("schema: {}", plain_message(error)));
  }
}

}  // namespace

const Tokenizer& ToolSet::Impl::tokenizer() const { return model_data(written->model).tokenizer; }

ToolSet::Impl::Impl(std::shared_ptr<const ChatTemplate::Impl> with, std::string_view json,
                    const ToolOptions& options)
    : written(std::move(with)), tools(read_tools(json)), choice(options.choice), several(options.parallel) {
  if (tools.empty() && choice == ToolChoice::required)
    throw Error(Errc::range, "tools: a call is required, and there are none");
  if (!options.name.empty()) only_named(tools, options.name);
  const Tokenizer& vocabulary = tokenizer();
  written_out = marker_tokens(written->format.reasoning(), vocabulary);
  if (choice != ToolChoice::required && !options.answer_schema.empty())
    answer_schema = read_answer_schema(options.answer_schema);
  if (active()) {
    for (const Token token : marker_tokens(form(), vocabulary)) {
      if (std::ranges::find(written_out, token) == written_out.end()) written_out.push_back(token);
    }
    in_template = written->format.tools().shows_tools && shown_by_template();
  }
  if (held()) write_grammars();
}

void ToolSet::Impl::write_grammars() {
  const ReasoningStyle& reasoning = written->format.reasoning();
  const CallGrammarWriter writer(form(), reasoning, [&](std::string_view text) {
    return spell_for(tokenizer(), written->encoder.specials(), text);
  });
  const std::span<const Tool> offered = active() ? std::span<const Tool>(tools) : std::span<const Tool>();
  const Json* schema = answer_schema.is_null() ? nullptr : &answer_schema;
  const auto write = [&](CallGrammarStart start) { return writer.write(offered, several, start, schema); };
  const bool whole = choice == ToolChoice::required || schema != nullptr;
  grammar = write(whole ? CallGrammarStart::answer : CallGrammarStart::call);
  if (!whole || reasoning.form != ReasoningStyle::Form::pair) return;
  grammar_in_reasoning = write(CallGrammarStart::reasoning);
  if (schema != nullptr) grammar_without_reasoning = write(CallGrammarStart::plain);
}

// Some templates fail on schemas that are a little out of the ordinary.
bool ToolSet::Impl::shown_by_template() const {
  const ChatMessage user{"user", "?"};
  ChatOptions options;
  options.tools = tools_json(tools);
  try {
    (void)written->format.render({&user, 1}, options);
    return true;
  } catch (const Error&) { return false; }
}

std::vector<PromptPiece> ToolSet::Impl::pieces(std::span<const ChatMessage> messages,
                                               const ChatOptions& options) const {
  if (!active()) return written->format.prompt(messages, options);
  if (in_template) {
    ChatOptions with_tools = options;
    with_tools.tools = tools_json(tools);
    return written->format.prompt(messages, with_tools);
  }
  const std::string words = tool_instructions(tools, written->format.tools(), several);
  return written->format.prompt(with_instructions(messages, words), options);
}

ToolSet::ToolSet(const ChatTemplate& written, std::string_view tools, const ToolOptions& options)
    : impl_(translate_memory_errors(
          [&] { return std::make_shared<const Impl>(written.impl_, tools, options); })) {}

std::string_view ToolSet::form() const noexcept {
  return impl_->active() ? std::string_view(impl_->form().name) : std::string_view();
}
bool ToolSet::in_template() const noexcept { return impl_->in_template; }
std::vector<std::string> ToolSet::notes() const { return impl_->grammar.notes; }

ToolPrompt ToolSet::prompt(std::span<const ChatMessage> messages, const ChatOptions& options) const {
  const std::vector<PromptPiece> pieces = impl_->pieces(messages, options);
  return {impl_->written->encoder.encode(pieces), impl_->written->format.opens_reasoning(pieces),
          options.thinking.value_or(true)};
}

std::string ToolSet::render(std::span<const ChatMessage> messages, const ChatOptions& options) const {
  return prompt_text(impl_->pieces(messages, options));
}

std::vector<Token> ToolSet::written_out() const { return impl_->written_out; }

const CallGrammar& ToolSet::Impl::grammar_for(const ToolPrompt& prompt) const noexcept {
  if (prompt.opens_reasoning && !grammar_in_reasoning.gbnf.empty()) return grammar_in_reasoning;
  const bool plain = !prompt.may_reason && !prompt.opens_reasoning;
  return plain && !grammar_without_reasoning.gbnf.empty() ? grammar_without_reasoning : grammar;
}

void ToolSet::constrain(SamplerOptions& options, const ToolPrompt& prompt) const {
  if (!impl_->held()) return;
  options.grammar_trigger = {};
  if (impl_->choice == ToolChoice::required || !impl_->answer_schema.is_null()) {
    options.grammar = impl_->grammar_for(prompt).gbnf;
    return;
  }
  options.grammar = impl_->grammar.gbnf;
  GrammarTrigger& trigger = options.grammar_trigger;
  for (const CallForm::Start& start : impl_->form().starts)
    trigger.starts.push_back({start.text, start.stands_for, start.at_start});
  const ReasoningStyle& reasoning = impl_->written->format.reasoning();
  if (reasoning.form == ReasoningStyle::Form::pair) trigger.quiet = {{reasoning.open, {reasoning.close}}};
  if (reasoning.form == ReasoningStyle::Form::channels)
    trigger.quiet = {{"<|message|>", {"<|end|>", "<|start|>", "<|channel|>", "<|return|>", "<|call|>"}}};
  if (prompt.opens_reasoning) trigger.begins_quiet = 0;
  trigger.written_out = impl_->written_out;
}

struct AnswerParser::Impl {
  std::shared_ptr<const void> keep;  // what `reader` refers to
  AnswerReader reader;
};

AnswerParser::AnswerParser(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
AnswerParser::AnswerParser(const ChatTemplate& written, bool opens_reasoning)
    : impl_(std::make_unique<Impl>(
          Impl{written.impl_, AnswerReader(written.impl_->format.reasoning(), {opens_reasoning, false})})) {}
AnswerParser::~AnswerParser() = default;
AnswerParser::AnswerParser(AnswerParser&&) noexcept = default;
AnswerParser& AnswerParser::operator=(AnswerParser&&) noexcept = default;

AnswerParser ToolSet::parser(const ToolPrompt& prompt) const {
  std::uint64_t seed = 0xCBF29CE484222325;
  for (const Token token : prompt.tokens) seed = (seed ^ std::uint64_t(token)) * 0x100000001B3;
  const bool active = impl_->active();
  const AnswerReader::Opening opening{prompt.opens_reasoning, active && impl_->form().in_header};
  AnswerReader reader(impl_->written->format.reasoning(), opening, active ? &impl_->form() : nullptr,
                      impl_->tools, seed);
  return AnswerParser(std::make_unique<AnswerParser::Impl>(AnswerParser::Impl{impl_, std::move(reader)}));
}

std::vector<AnswerEvent> AnswerParser::push(std::string_view text) { return impl_->reader.push(text); }
std::vector<AnswerEvent> AnswerParser::finish() { return impl_->reader.finish(); }
const std::string& AnswerParser::reasoning() const noexcept { return impl_->reader.reasoning(); }
const std::string& AnswerParser::content() const noexcept { return impl_->reader.content(); }
const std::vector<ToolCall>& AnswerParser::calls() const noexcept { return impl_->reader.calls(); }

ChatMessage AnswerParser::message() const {
  ChatMessage out{"assistant", content(), reasoning()};
  Json all = Json::array();
  for (const ToolCall& call : calls()) {
    if (!call.whole) continue;
    all.push_back({{"id", call.id},
                   {"type", "function"},
                   {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  if (!all.empty()) out.tool_calls = dumped(all);
  return out;
}

}  // namespace longhand
