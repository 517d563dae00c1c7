// A chat: the turns so far, and a model's session kept in step with them.
//
// The turns are the truth. What the session holds is a cache of their beginning: before each answer it is cut
// back to what still agrees, and only the rest is read.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

struct Turn {
  std::string user;
  std::string answer;
  bool stopped = false;  // the answer was cut short by Ctrl-C, a limit or a full context
};

struct ChatSettings {
  std::string system;
  SamplerOptions sampler;
  int max_tokens = -1;  // of one answer; -1: no limit
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
  using OnText = std::function<void(std::string_view)>;

  /// Throws Error as Session and Sampler do.
  ChatSession(const Model& model, const SessionOptions& options, ChatSettings settings);

  /// Answers `text` as the next turn. When the context is full the oldest turns are forgotten, the system
  /// prompt never. Throws Error, and then the turns are as before: context_full (the turn alone does not
  /// fit), cancelled (while reading; while writing the answer so far is kept), nonfinite and others.
  ChatAnswer ask(const std::string& text, const OnText& on_text);
  /// Answers the last turn anew. There must be one.
  ChatAnswer retry(const OnText& on_text);
  /// Forgets the last turn; false if there is none.
  bool undo();
  /// Forgets all turns.
  void clear();
  /// Replaces the settings; turns stay. Throws Error (range), and then nothing changes.
  void change(ChatSettings settings);

  const ChatSettings& settings() const noexcept { return settings_; }
  const std::vector<Turn>& turns() const noexcept { return turns_; }
  const ChatTotals& totals() const noexcept { return totals_; }
  std::uint32_t seed() const noexcept { return sampler_.seed(); }
  Session& session() noexcept { return session_; }
  const Model& model() const noexcept { return session_.model(); }

 private:
  ChatAnswer answer_last(const OnText& on_text);
  bool answer_more(ChatAnswer& answer, std::vector<Token>& written, const OnText& on_text);
  std::vector<Token> prompt_tokens() const;
  int make_room(std::vector<Token>& prompt, std::size_t written);
  void add_to_totals(const ChatAnswer& answer);

  ChatSettings settings_;
  Session session_;
  Sampler sampler_;
  std::vector<Turn> turns_;
  ChatTotals totals_;
};

}  // namespace longhand::cli
