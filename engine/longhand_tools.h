// longhand: functions that a model may call. Included by engine/longhand.h.
//
//   longhand::ChatTemplate written(model);
//   longhand::ToolSet tools(written, R"([{"type": "function", "function": {"name": "add", ...}}])");
//   const auto prompt = tools.prompt(messages);
//   longhand::SamplerOptions how;
//   tools.constrain(how, prompt);
//   longhand::Sampler sampler(model, how);
//   longhand::AnswerParser parser = tools.parser(prompt);
//   longhand::generate(session, prompt.tokens, sampler, {.written_out = tools.written_out()},
//                      [&](std::string_view text) { show(parser.push(text)); return true; });
//   show(parser.finish());
//
// Then the assistant's message (AnswerParser::message) and one of role "tool" for each call go to the
// conversation, and it is asked again. docs/tools.md says which forms of calls are known.
//
// Errors are those of engine/longhand.h. A ToolSet may be used by many threads at once.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/longhand.h"
#include "engine/types/chat.h"
#include "engine/types/tools.h"

namespace longhand {

class ChatTemplate;

/// Takes an answer apart while it streams in: reasoning, content, and calls with their arguments as JSON,
/// whatever form the model writes them in. One per answer.
class LONGHAND_API AnswerParser {
 public:
  /// Tells reasoning from content; there are no calls.
  explicit AnswerParser(const ChatTemplate& written, bool opens_reasoning = false);
  ~AnswerParser();
  AnswerParser(AnswerParser&&) noexcept;
  AnswerParser& operator=(AnswerParser&&) noexcept;

  /// What `text` adds. Beginnings of markers are held back. Text that only looked like a call is content.
  std::vector<AnswerEvent> push(std::string_view text);
  /// At the end of the answer: what was held back. A call that is not complete ends, as not whole.
  std::vector<AnswerEvent> finish();

  /// All there has been so far.
  const std::string& reasoning() const noexcept;
  const std::string& content() const noexcept;
  const std::vector<ToolCall>& calls() const noexcept;
  /// The answer as a message of the conversation. Calls that are not whole are left out.
  ChatMessage message() const;

 private:
  friend class ToolSet;
  struct Impl;
  explicit AnswerParser(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Functions that a model may call, in the form of calls that its chat template asks for. Immutable, cheap to
/// copy.
class LONGHAND_API ToolSet {
 public:
  /// `tools`: a JSON array of {"type": "function", "function": {"name", "description", "parameters"}}, or of
  /// the inner objects alone; parameters are a JSON schema, absent: none. Empty text or array: no tools, and
  /// all else works the same.
  ///
  /// Throws Error: type (no such JSON), range (no or several functions of a name, a name that is empty,
  /// longer than 128 bytes or not of letters, digits, '_', '-', '.', ':' and '/'; options.name is none of
  /// them, or a call is required and there are no tools), grammar (a schema that a grammar cannot hold, with
  /// its path; an answer_schema that nothing satisfies).
  ToolSet(const ChatTemplate& written, std::string_view tools, const ToolOptions& options = {});

  /// The form of calls: "hermes", "mistral" ... (docs/tools.md); empty: no tools.
  std::string_view form() const noexcept;
  /// False: the template has no place for tools, so that they are told in the system message.
  bool in_template() const noexcept;
  /// What the grammar does not hold arguments to, and where the schema says it.
  std::vector<std::string> notes() const;

  /// The conversation with the tools, for an empty session. Throws Error as ChatTemplate::encode() does.
  ToolPrompt prompt(std::span<const ChatMessage> messages, const ChatOptions& options = {}) const;
  /// The same as text, to look at. Do not encode it: that would trust what users wrote.
  std::string render(std::span<const ChatMessage> messages, const ChatOptions& options = {}) const;
  /// Sets grammar and grammar_trigger so that no call is malformed, no argument violates its schema, and no
  /// other answer violates ToolOptions::answer_schema, which begins behind the reasoning, for an answer to
  /// `prompt`. Another grammar is replaced, except where there are neither tools nor such a schema.
  void constrain(SamplerOptions& options, const ToolPrompt& prompt) const;
  /// For GenerateOptions: control tokens that the markers of calls and reasoning are made of.
  std::vector<Token> written_out() const;
  /// For an answer to `prompt`.
  AnswerParser parser(const ToolPrompt& prompt) const;

 private:
  friend class Chat;
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace longhand
