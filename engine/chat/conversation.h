// The state of a chat, independent of terminal and model: who said what, and which tokens that makes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/chat/answer_tokens.h"
#include "engine/chat/chat_format.h"
#include "engine/chat/prompt.h"
#include "engine/types/chat.h"

namespace longhand {

/// What a session has to do before the next answer.
struct TurnPlan {
  std::size_t rewind_to = 0;      ///< tokens the session keeps
  std::vector<Token> new_tokens;  ///< to be fed then; never empty
  int dropped_turns = 0;          ///< oldest turns the model no longer sees, as of now
  bool opens_reasoning = false;   ///< the answer begins inside the model's reasoning
};

/// A finished answer.
struct ChatAnswerText {
  std::string content, reasoning;
  /// As generated and fed, without the token that ended the answer; those of a stop string may be among them.
  std::vector<Token> tokens;
  bool cut = false;  ///< stopped before its end
};

class Conversation {
 public:
  /// Both must outlive the conversation.
  Conversation(const ChatFormat& format, const Tokenizer& tokenizer);

  /// All of them, also those the model no longer sees.
  const std::vector<ChatTurn>& turns() const noexcept { return turns_; }
  /// So many of the oldest turns the model no longer sees.
  std::size_t forgotten() const noexcept { return forgotten_; }
  const std::string& system() const noexcept { return system_; }
  void set_system(std::string text) { system_ = std::move(text); }
  const ChatOptions& options() const noexcept { return options_; }
  void set_options(ChatOptions options) { options_ = std::move(options); }

  /// Begins a turn; it waits for its answer.
  void ask(std::string user);
  /// Ends the turn last asked or retried.
  void answer(ChatAnswerText answer);
  /// Forgets the last turn; false if there is none.
  bool undo();
  /// Forgets the last answer, so that plan_turn() asks again; false if there is no turn.
  bool retry();
  /// Forgets all turns; the system prompt stays.
  void clear();
  /// Goes on from `turns`, all answered, as if they had been said here.
  void restore(std::vector<ChatTurn> turns);

  /// What to feed so that the last turn can be answered, given the tokens a session `holds` now. Where
  /// prompt and `reserve` tokens do not fit into `context`, the oldest turns are left out of it from now on,
  /// never the system prompt; see first_kept_turn(). Throws
  /// Error and changes nothing: context_full (the last turn alone does not fit), chat_template, range (no
  /// turn waits for an answer).
  TurnPlan plan_turn(std::span<const Token> holds, std::size_t context, std::size_t reserve);

 private:
  struct Prompt {
    std::vector<Token> tokens;
    std::string end;  // the last of its text
    bool opens_reasoning = false;
  };
  Prompt encode(std::size_t first_turn) const;

  const ChatFormat& format_;
  const Tokenizer& tokenizer_;
  PromptEncoder encoder_;
  std::vector<Token> marker_tokens_;  // of reasoning
  ChatOptions options_;
  std::string system_;
  std::vector<ChatTurn> turns_;
  std::vector<AnswerTokens> answers_;  // of each turn
  std::size_t forgotten_ = 0;          // oldest turns that are not in the prompt
  std::string prompt_end_;             // of the turn that waits for its answer
};

/// True where the template writes begin-of-text behind other text, so that the vocabulary's own token comes
/// in front of it a second time.
bool begins_twice(const ChatFormat& format, const Tokenizer& tokenizer);

}  // namespace longhand
