// Prompts that are continued as they are, without a conversation.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/serve/answers.h"
#include "cli/serve/api/json.h"
#include "cli/serve/call.h"
#include "cli/serve/chat_run.h"

namespace longhand::cli {

struct TextSoFar {
  std::string text = {};
  std::vector<TokenStep> steps = {};
  RequestResult result = {};
};

class TextRun {
 public:
  /// As many answers to each prompt as `ask` says, whose messages are not looked at. Throws Error.
  TextRun(Service& service, const std::vector<std::vector<Token>>& prompts, const ChatAsk& ask,
          std::shared_ptr<RequestNote> note);

  /// Told each part; false: the client has gone.
  using Take = std::function<bool(const AnswerPart&)>;
  /// Until all have ended; false: the client went first.
  bool follow(const HttpRequest& request, const Take& take, const std::function<bool()>& quiet = {});
  /// The same with nobody to tell. Throws what an answer failed with.
  bool gather(const HttpRequest& request);
  const std::vector<TextSoFar>& answers() const noexcept { return so_far_; }

 private:
  Answers answers_;
  std::shared_ptr<RequestNote> note_;
  std::vector<TextSoFar> so_far_;
};

/// An array of them, in the field `name`. Throws ApiError.
std::vector<Token> token_ids(const Fields& fields, const char* name, const Json& ids, int vocab);
/// Prompts: a text, token ids, or an array of either. Control tokens written in a text are such. Throws
/// ApiError.
std::vector<std::vector<Token>> read_prompts(const Service& service, const Fields& fields, const char* name);
/// What to continue so that it fits between `prefix` and `suffix`. Throws ApiError where the model has no
/// tokens for that.
std::vector<Token> infill_prompt(const Service& service, const std::string& prefix,
                                 const std::string& suffix);

}  // namespace longhand::cli
