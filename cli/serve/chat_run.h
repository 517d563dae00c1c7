// Answers to a conversation, whichever API asks for them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/serve/answers.h"
#include "cli/serve/call.h"
#include "cli/serve/service.h"

namespace longhand::cli {

/// What an API's request comes to.
struct ChatAsk {
  std::vector<ChatMessage> messages = {};
  ChatOptions chat = {};
  std::string tools = {};  ///< a JSON array as ToolSet takes it
  ToolOptions tool_options = {};
  SamplerOptions sampler = {};
  int max_tokens = -1;
  int answers = 1;  ///< to the same conversation
  int top_log_probabilities = -1;
  int priority = 0;
  std::vector<std::string> stop = {};
  std::optional<SpeculationOptions> speculation = {};
  std::optional<std::vector<float>> lora = {};  ///< scales of the server's adapters, in place of the usual
};

/// An answer as far as it has come.
struct ChatAnswerSoFar {
  AnswerParser parser;
  std::vector<TokenStep> steps = {};  ///< where they were asked for
  RequestResult result = {};          ///< once it has ended
  int reasoning_tokens = 0;
};

/// How an API tells answers while they are written. False: the client has gone.
class ChatWriter {
 public:
  virtual ~ChatWriter() = default;
  virtual bool reading(const ReadingProgress&) { return true; }
  /// `steps`: of the tokens that the part is made of.
  virtual bool part(std::size_t, const AnswerEvent&, const std::vector<TokenStep>& /*steps*/) { return true; }
  virtual bool end(std::size_t, const ChatAnswerSoFar&) { return true; }
  virtual bool quiet() { return true; }
};

class ChatRun {
 public:
  /// Throws ApiError and Error.
  ChatRun(Service& service, ChatAsk ask, std::shared_ptr<RequestNote> note);

  /// Until all answers have ended. False: the client went first.
  bool follow(const HttpRequest& request, ChatWriter& writer);
  /// The same with nobody to tell. Throws what an answer failed with.
  bool gather(const HttpRequest& request);
  const std::vector<ChatAnswerSoFar>& answers() const noexcept { return so_far_; }

 private:
  bool take(AnswerPart& part, ChatWriter& writer);

  Answers answers_;
  std::shared_ptr<RequestNote> note_;
  std::vector<ChatAnswerSoFar> so_far_;
};

/// Of the nth answer to the same prompt: a seed of its own, where one was asked for.
SamplerOptions nth_sampling(SamplerOptions options, int n);
/// Throws Error(context_full), with the numbers, where a prompt leaves no room for an answer.
void check_room(const Service& service, std::size_t tokens);

/// Calls that were not cut.
std::vector<ToolCall> whole_calls(const AnswerParser& said);
/// Why a text ended: "stop" or "length".
const char* finish_reason(const RequestResult& result) noexcept;
/// Why an answer ended: the same, or "tool_calls".
const char* finish_reason(const ChatAnswerSoFar& answer) noexcept;

/// Tokens of all of the answers together.
struct ChatUsage {
  int prompt = 0, cached = 0, written = 0, reasoning = 0;
};
ChatUsage usage_of(const std::vector<ChatAnswerSoFar>& answers) noexcept;

}  // namespace longhand::cli
