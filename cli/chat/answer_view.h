// How an answer is shown while it comes: as text for people and pipes, or as events for programs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/longhand.h"

namespace longhand::cli {

/// What people see of an answer; programs see all.
struct Showing {
  bool reasoning = true;
  bool plain = false;  // as it comes, without wrapped words and Markdown
};

class AnswerView {
 public:
  virtual ~AnswerView() = default;

  /// The model is loaded, and `session` waits for the first message. `seed`: the one really used.
  virtual void ready(const Session& session, std::uint32_t seed) = 0;
  /// An answer begins.
  virtual void begin(Showing showing) = 0;
  virtual void reading(int done, int total) = 0;
  /// What the model is given, control tokens written out.
  virtual void prompt(const std::string& text) = 0;
  virtual void text(std::string_view text, bool reasoning) = 0;
  /// The answer that has ended called a function, whose result is waited for; another answer begins with it.
  virtual void call(const ToolCall& call) = 0;
  virtual void end(const ChatAnswer& answer, const Session& session) = 0;
  /// There will be no answer, or no more of it. Also for whatever else went wrong between answers.
  virtual void fail(const Error& error) = 0;
};

/// What AnswerView::end() tells of a text that was written without a Chat.
inline ChatAnswer answer_of(const GenerateResult& result) {
  ChatAnswer answer;
  answer.reason = result.reason;
  answer.read_tokens = result.prompt_tokens;
  answer.written_tokens = int(result.tokens.size());
  answer.read_seconds = result.prompt_seconds;
  answer.write_seconds = result.decode_seconds;
  return answer;
}

/// The answer on stdout, everything else on stderr. `interactive`: a person reads along. `details`: speeds
/// are told even where nobody does.
std::unique_ptr<AnswerView> make_text_view(bool interactive, bool details = false);

/// One JSON object a line on stdout; errors on stderr too. "event" says what it is:
///   ready      model, architecture, context, threads, seed
///   progress   what ("loading" or "reading"), done, total
///   prompt     text
///   reasoning  text
///   text       text
///   tool_call  id, name, arguments
///   end        reason, read_tokens, written_tokens, dropped_turns, moved_tokens, read_seconds,
///   write_seconds,
///              tokens_per_second, context_used, context
///   error      code, message
std::unique_ptr<AnswerView> make_json_view();
/// For LoadOptions::progress: one event when loading begins and one when it ends.
std::function<bool(float)> loading_events();

}  // namespace longhand::cli
