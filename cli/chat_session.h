// A chat: a conversation, and a model's session kept in step with it.
//
// The conversation is the truth. What the session holds is a cache of its beginning: before each answer it is
// cut back to what still agrees, and only the rest is read.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/chat/chat_format.h"
#include "engine/chat/conversation.h"
#include "engine/longhand.h"

namespace longhand::cli {

struct ChatSettings {
  std::string system;
  SamplerOptions sampler;
  int max_tokens = -1;           // of one answer; -1: no limit
  std::optional<bool> thinking;  // whether the model reasons before it answers; unset: as it likes
  std::string effort;            // how much, for models that know "low", "medium" and "high"
  bool show_reasoning = true;
};

/// What a chat tells while it answers.
struct AnswerListener {
  std::function<void(const ReasoningSpan&)> on_text;
  /// All the model is given, its control tokens written out, before it reads what is new of it.
  std::function<void(const std::string&)> on_prompt;
  std::function<void(int tokens)> on_reading;  // so many are new
};

struct ChatAnswer {
  StopReason reason = StopReason::end_of_generation;
  int dropped_turns = 0;  // oldest turns forgotten to make room
  int read_tokens = 0, written_tokens = 0;
  double read_seconds = 0, write_seconds = 0;
};

/// Sums over all answers of a chat.
struct ChatTotals {
  int answers = 0;
  long read_tokens = 0, written_tokens = 0;
  double read_seconds = 0, write_seconds = 0;
};

class ChatSession {
 public:
  /// `now` is for chat templates that write the date. Throws Error as Session and Sampler do.
  ChatSession(const Model& model, const SessionOptions& options, ChatSettings settings,
              std::optional<jinja::CivilTime> now = std::nullopt);

  /// Answers `text` as the next turn. When the context is full the oldest turns are forgotten, the system
  /// prompt never. Throws Error, and then the turns are as before: context_full (the turn alone does not
  /// fit), cancelled (while reading; while writing the answer so far is kept), nonfinite and others.
  ChatAnswer ask(const std::string& text, const AnswerListener& listener);
  /// Answers the last turn anew. Throws Error as ask() does; range if there is none.
  ChatAnswer retry(const AnswerListener& listener);
  /// Guesses ahead from now on; made for session().
  void speculate(std::optional<Speculation> speculation) { speculation_ = std::move(speculation); }
  /// Where the session would go on after /undo or /retry, and how many tokens before that it would have to
  /// read again because its memory let go of them.
  struct WayBack {
    int to = 0, cost = 0;
  };
  WayBack way_back() const;
  /// Forgets the last turn; false if there is none.
  bool undo();
  /// Forgets all turns.
  void clear();
  /// Replaces the settings; turns stay. Throws Error (range), and then nothing changes.
  void change(ChatSettings settings);
  /// Goes on from another conversation. Throws Error as change() does.
  void restore(ChatSettings settings, std::vector<ChatTurn> turns);

  const ChatSettings& settings() const noexcept { return settings_; }
  const std::vector<ChatTurn>& turns() const noexcept { return conversation_->turns(); }
  const ChatFormat& format() const noexcept { return format_; }
  /// Oddities of the model's chat template, worth telling once.
  std::vector<std::string> warnings() const;
  const ChatTotals& totals() const noexcept { return totals_; }
  std::uint32_t seed() const noexcept { return sampler_.seed(); }
  Session& session() noexcept { return session_; }
  const Session& session() const noexcept { return session_; }
  const Model& model() const noexcept { return session_.model(); }

 private:
  struct Writing;

  template <class Begin>
  ChatAnswer answer_turn(Begin begin, const AnswerListener& listener);
  ChatAnswer write(const AnswerListener& listener);
  TurnPlan plan(std::size_t written);
  std::size_t whole_length();
  bool write_more(Writing& writing);
  void add_to_totals(const ChatAnswer& answer);
  void apply_settings();

  ChatSettings settings_;
  SessionOptions options_;
  Session session_;
  Sampler sampler_;
  ChatFormat format_;
  std::vector<Token> marker_tokens_;
  std::optional<Speculation> speculation_;
  std::optional<Conversation> conversation_;  // always there; optional so that it can be put back
  ChatTotals totals_;
};

}  // namespace longhand::cli
