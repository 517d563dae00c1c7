// longhand: conversations. Included by engine/longhand.h.
//
//   auto model = longhand::Model::load("model.gguf");
//   longhand::Chat chat(model);
//   std::cout << chat.ask("What is the capital of Peru?").text << '\n';
//
// Errors are those of engine/longhand.h. A ChatTemplate may be used by many threads at once; a Chat belongs
// to one thread at a time, except for session().cancel(). Both keep the model they were made for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/longhand.h"
#include "engine/types/chat.h"
#include "engine/types/tools.h"

namespace longhand {

struct ChatTemplateOptions {
  std::string text = {};  ///< Jinja; empty: the model's own
  std::string now = {};   ///< for templates that write the date, as 2026-07-01T12:00:00; empty: they get none
};

/// How a model wants a conversation written. Immutable, cheap to copy.
class LONGHAND_API ChatTemplate {
 public:
  /// A template that is absent, broken, or fails on a small conversation is replaced by ChatML; warnings()
  /// say so. Throws Error: range (`now` is no time).
  explicit ChatTemplate(const Model& model, const ChatTemplateOptions& options = {});

  /// The conversation as tokens, for an empty session. Control tokens come from the template alone: what is
  /// written in a message is text. Throws Error: chat_template (refuses this conversation), type (an option's
  /// JSON).
  std::vector<Token> encode(std::span<const ChatMessage> messages, const ChatOptions& options = {}) const;
  /// The same as text, to look at. Do not encode it: that would trust what users wrote.
  std::string render(std::span<const ChatMessage> messages, const ChatOptions& options = {}) const;

  bool is_fallback() const noexcept;  ///< ChatML took the place of a template that cannot be used
  bool accepts_system()
      const noexcept;             ///< false: system text becomes the beginning of the first user message
  bool reasons() const noexcept;  ///< it marks reasoning that comes before an answer
  /// Control tokens that mark reasoning: given as GenerateOptions::written_out they show where it begins and
  /// ends.
  std::vector<Token> reasoning_tokens() const;
  std::vector<std::string> warnings() const;  ///< worth telling a user once

 private:
  friend class Chat;
  friend class ToolSet;
  friend class AnswerParser;
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

struct ChatSettings {
  std::string system = {};
  SamplerOptions sampler = {};
  int max_tokens = -1;                 ///< of one answer; -1: no limit
  std::vector<std::string> stop = {};  ///< an answer ends before the first of these
  /// When turns leave a full context, what the model made of those that stay is moved instead of read again,
  /// where the session can (Session::cut).
  bool context_shift = true;
  int keep =
      0;  ///< the first turns stay when others leave a full context: those that take so many tokens at most
  int reasoning_budget =
      -1;  ///< tokens of reasoning, after which it is closed; -1: no limit; 0: as thinking false
  bool reasoning_apart = true;        ///< false: reasoning and its markers are part of the answer's text
  std::optional<bool> thinking = {};  ///< as in ChatOptions
  std::string effort = {};            ///< ChatOptions::reasoning_effort
  std::string variables = {};         ///< as in ChatOptions
};

struct ChatAnswer {
  std::string text, reasoning;
  StopReason reason = StopReason::end_of_generation;
  int dropped_turns = 0;  ///< oldest turns the model no longer sees from now on
  int read_tokens = 0, written_tokens = 0;
  int moved_tokens = 0;  ///< of the turns that stayed, which were not read again
  double read_seconds = 0, write_seconds = 0;
};

/// What a chat tells while it answers. Callbacks must not use the chat, except session().cancel().
struct ChatListener {
  /// Whole characters as they come. Returning false ends the answer.
  std::function<bool(std::string_view text, bool reasoning)> on_text = {};
  /// All the model is given, its control tokens written out, before it reads what is new of it.
  std::function<void(const std::string& prompt)> on_prompt = {};
  std::function<void(int tokens)> on_reading = {};  ///< so many are new
  /// Functions of Chat::offer() are called, each call whole; `answer` is what came before them. Returns the
  /// results, as many and in this order, or nothing to leave: then the turn is cancelled. Without it the
  /// model is told of no functions.
  std::function<std::optional<std::vector<std::string>>(std::span<const ToolCall> calls,
                                                        const ChatAnswer& answer)>
      on_calls = {};
};

/// A conversation, and a session kept in step with it. The turns are the truth; what the session holds is a
/// cache of what the model sees of them: before each answer it goes back to what still agrees, and only the
/// rest is read.
///
/// When the context is full the model no longer sees the oldest turns; the system prompt it always sees.
/// turns() are complete all the same.
class LONGHAND_API Chat {
 public:
  /// Throws Error as Session, Sampler and ChatTemplate do.
  explicit Chat(const Model& model, ChatSettings settings = {}, const SessionOptions& options = {},
                const ChatTemplateOptions& written = {});
  ~Chat();
  Chat(Chat&&) noexcept;
  Chat& operator=(Chat&&) noexcept;

  /// Answers `message` as the next turn. Throws Error, and then the turns are as before: context_full (the
  /// turn alone does not fit), cancelled (while reading; while writing the answer so far is kept), nonfinite
  /// and others.
  ChatAnswer ask(const std::string& message, const ChatListener& listener = {});
  /// Answers the last turn anew. Throws Error as ask() does; range if there is none.
  ChatAnswer retry(const ChatListener& listener = {});
  /// Forgets the last turn; false if there is none.
  bool undo();
  /// Forgets all turns.
  void clear();
  /// Replaces the settings; turns stay. Throws Error (range, grammar), and then nothing changes.
  void change(ChatSettings settings);
  /// Goes on from another conversation, all its turns answered. Throws Error as change() does. `sampled`: how
  /// each answer was generated, as sampled() says it; where that is no text of this model's, the turn's text
  /// is encoded.
  void restore(ChatSettings settings, std::vector<ChatTurn> turns, std::vector<AnswerTokens> sampled = {});
  /// Functions that the model may call, as ToolSet takes them, from the next turn on; empty: none. A call
  /// that is required is so before the first result of a turn. What calls may be is held by a grammar, in
  /// place of the settings' own, and nothing is guessed ahead. Throws Error as ToolSet and Sampler do, and
  /// then nothing changes.
  void offer(std::string tools, const ToolOptions& options = {});
  const std::string& offered() const noexcept;
  std::vector<std::string> tool_notes() const;  ///< ToolSet::notes() of what is offered
  /// Guesses ahead from now on; made for session().
  void speculate(std::optional<Speculation> speculation);

  /// Where the session would go on after undo() or retry(), and how many tokens before that it would have to
  /// read again because its memory let go of them.
  struct WayBack {
    int to = 0, cost = 0;
  };
  WayBack way_back() const;
  /// Tokens of the conversation with `message` as its next turn, if the model saw all of it.
  std::size_t tokens_with(const std::string& message) const;

  const ChatSettings& settings() const noexcept;
  const std::vector<ChatTurn>& turns() const noexcept;
  std::span<const AnswerTokens> sampled() const noexcept;  ///< of each turn
  int forgotten() const noexcept;                          ///< so many turns the model no longer sees
  int kept() const noexcept;  ///< so many of the oldest it sees all the same, those before the forgotten
  const ChatTemplate& written() const noexcept;
  const Model& model() const noexcept;
  std::uint32_t seed() const noexcept;  ///< the one really used
  Session& session() noexcept;
  const Session& session() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhand
