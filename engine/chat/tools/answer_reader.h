// Takes an answer apart while it streams in: reasoning, content, calls.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/chat/reasoning.h"
#include "engine/chat/tools/call_reader.h"

namespace longhand {

class AnswerReader {
 public:
  struct Opening {
    bool in_reasoning = false;
    bool in_header = false;  ///< as for ReasoningSplitter
  };
  /// `form` may be null, then there are no calls. It and `tools` must outlive the reader.
  AnswerReader(const ReasoningStyle& style, Opening opening, const CallForm* form = nullptr,
               std::span<const Tool> tools = {}, std::uint64_t id_seed = 0);

  std::vector<AnswerEvent> push(std::string_view text);
  std::vector<AnswerEvent> finish();

  const std::string& reasoning() const noexcept { return reasoning_; }
  const std::string& content() const noexcept { return content_; }
  const std::vector<ToolCall>& calls() const noexcept { return calls_ ? calls_->calls() : no_calls_; }

 private:
  using Events = std::vector<AnswerEvent>;
  void pass(const std::vector<ReasoningSpan>& spans, Events& out);
  void scan(std::string_view text, Events& out);
  void read(char c, Events& out);
  void reject(Events& out);
  void say(std::string_view text, Events& out);
  const CallForm::Start* find_start(std::size_t& at) const;
  std::size_t held_back() const;

  ReasoningSplitter splitter_;
  const CallForm* form_;
  std::optional<CallReader> calls_;
  std::string telling_;  // characters that markers begin with
  std::string held_;     // content in which a call may begin
  std::string space_;    // content that counts only if more follows
  std::string reasoning_, content_;
  std::vector<ToolCall> no_calls_;
};

}  // namespace longhand
