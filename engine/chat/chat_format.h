// How one model wants a conversation written: its chat template, tried out when it is loaded.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/chat/jinja/template.h"
#include "engine/chat/message_values.h"
#include "engine/chat/prompt.h"
#include "engine/chat/reasoning.h"
#include "engine/types/chat.h"

namespace longhand {

/// What a model file says about chatting.
struct ChatSource {
  std::string template_text;            // empty: none
  std::string bos, eos;                 // texts of these tokens
  std::string model_name;               // for warnings
  std::optional<jinja::CivilTime> now;  // for templates that write the date
  const Vocab* vocab = nullptr;         // must outlive the format; null: nothing is known of it
};
ChatSource chat_source(const Vocab& vocab);

/// Immutable. A template that is absent, broken or fails on a small conversation is replaced by ChatML.
class ChatFormat {
 public:
  explicit ChatFormat(ChatSource source);

  /// The conversation as the model wants it. Adjacent pieces differ in trust.
  /// Throws Error (chat_template): the template refuses this conversation.
  std::vector<PromptPiece> render(std::span<const ChatMessage> messages,
                                  const ChatOptions& options = {}) const;
  /// The same for an answer. Reasoning that the template opens whatever it is asked is closed again where
  /// `options` want none.
  std::vector<PromptPiece> prompt(std::span<const ChatMessage> messages, const ChatOptions& options) const;

  /// False: system messages become the beginning of the first user message.
  bool accepts_system() const noexcept { return accepts_system_; }
  /// The model's own template could not be used.
  bool is_fallback() const noexcept { return fallback_; }
  const ReasoningStyle& reasoning() const noexcept { return reasoning_; }
  /// How the template wants calls of tools. Found by trying when it is first asked for: most conversations
  /// have none. Throws Error (no_memory).
  const ToolDialect& tools() const;
  /// Does an answer to this prompt begin inside the reasoning?
  bool opens_reasoning(std::span<const PromptPiece> prompt) const;
  /// Worth telling the user once.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

 private:
  // Templates disagree on what a conversation without tools looks like; found by trying.
  struct Dialect {
    bool content_parts = false;  // see message_value()
    bool empty_tools = false;    // tools is [] instead of None
  };
  bool find_dialect(std::string& why);
  bool shows(std::span<const ChatMessage> messages, std::string_view text) const;
  jinja::Text run(std::span<const ChatMessage> messages, const ChatOptions& options) const;
  jinja::Text run(std::span<const ChatMessage> messages, const ChatOptions& options,
                  const ToolDialect& tools) const;
  void use_fallback(const std::string& why);

  ChatSource source_;
  std::optional<jinja::Template> template_;
  Dialect dialect_;
  ReasoningStyle reasoning_;
  struct Tools {
    std::once_flag found;
    ToolDialect dialect;
  };
  std::unique_ptr<Tools> tools_ = std::make_unique<Tools>();
  bool accepts_system_ = true;
  bool fallback_ = false;
  std::vector<std::string> warnings_;
};

}  // namespace longhand
