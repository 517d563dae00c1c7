// The state of a chat, independent of terminal and model: who said what, and which tokens that makes.
#pragma once

#include <cstddef>
#include <functional>
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
  /// So many turns the model no longer sees: those behind the first kept().
  std::size_t forgotten() const noexcept { return first_ - head_; }
  std::size_t kept() const noexcept { return head_; }
  /// Whether the model sees turns before the last one.
  bool can_forget() const noexcept { return head_ > 0 || first_ + 1 < turns_.size(); }
  /// How each turn's answer was generated.
  std::span<const AnswerTokens> sampled() const noexcept { return answers_; }
  /// From now on the first turns stay that take so many tokens at most.
  void keep(std::size_t tokens) noexcept { keep_ = tokens; }
  const std::string& system() const noexcept { return system_; }
  void set_system(std::string text) { system_ = std::move(text); }
  const ChatOptions& options() const noexcept { return options_; }
  void set_options(ChatOptions options) { options_ = std::move(options); }

  /// From now on `pieces` writes the prompt out of messages and options; empty: the format.
  using WritePieces =
      std::function<std::vector<PromptPiece>(std::span<const ChatMessage>, const ChatOptions&)>;
  void write_with(WritePieces pieces) { pieces_ = std::move(pieces); }

  /// Begins a turn; it waits for its answer.
  void ask(std::string user);
  /// Adds calls and their results to the turn last asked or retried, which goes on waiting.
  void step(std::vector<ChatMessage> messages);
  /// Ends the turn last asked or retried.
  void answer(ChatAnswerText answer);
  /// Forgets the last turn; false if there is none.
  bool undo();
  /// Forgets the last answer, so that plan_turn() asks again; false if there is no turn.
  bool retry();
  /// Forgets all turns; the system prompt stays.
  void clear();
  /// Goes on from `turns`, all answered, as if they had been said here; `sampled` has an entry for each, or
  /// none. An answer's tokens that are no text are forgotten: what a file holds never becomes a control
  /// token.
  void restore(std::vector<ChatTurn> turns, std::vector<AnswerTokens> sampled = {});

  /// What to feed so that the last turn can be answered, given the tokens a session `holds` now. Where
  /// prompt and `reserve` tokens do not fit into `context`, the oldest turns are left out of it from now on,
  /// never the system prompt; see first_kept_turn() and keep(). Throws
  /// Error and changes nothing: context_full (the last turn alone does not fit), chat_template, range (no
  /// turn waits for an answer).
  TurnPlan plan_turn(std::span<const Token> holds, std::size_t context, std::size_t reserve);

 private:
  struct Prompt {
    std::vector<Token> tokens;
    std::string end;  // the last of its text
    bool opens_reasoning = false;
  };
  // Of turns [0, head) and [first, end).
  struct Seen {
    std::size_t head, first;
  };
  Prompt encode(Seen seen) const;
  Seen forget(std::size_t head, std::size_t context, std::size_t reserve) const;
  std::size_t turns_within(std::size_t tokens) const;
  bool is_text(const AnswerTokens& answer) const;

  const ChatFormat& format_;
  const Tokenizer& tokenizer_;
  PromptEncoder encoder_;
  std::vector<Token> marker_tokens_;  // of reasoning
  WritePieces pieces_;
  ChatOptions options_;
  std::string system_;
  std::vector<ChatTurn> turns_;
  std::vector<AnswerTokens> answers_;  // of each turn
  std::size_t head_ = 0, first_ = 0;   // the prompt has turns [0, head) and [first, end)
  std::size_t keep_ = 0;               // tokens
  std::string prompt_end_;             // of the turn that waits for its answer
};

/// True where the template writes begin-of-text behind other text, so that the vocabulary's own token comes
/// in front of it a second time.
bool begins_twice(const ChatFormat& format, const Tokenizer& tokenizer);

}  // namespace longhand
