// Calls in one form, read byte by byte as they stream in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/chat/tools/argument_reader.h"
#include "engine/chat/tools/call_form.h"
#include "engine/chat/tools/tool_list.h"
#include "engine/types/tools.h"

namespace longhand {

/// Adds to the events of one push; parts that go on from the last one become one with it.
void add_event(std::vector<AnswerEvent>& out, AnswerEvent event);

class CallReader {
 public:
  /// Both must outlive the reader. `id_seed`: identities of calls are made of it.
  CallReader(const CallForm& form, std::span<const Tool> tools, std::uint64_t id_seed);

  /// The text of `start` was there, and what follows is read.
  void begin(const CallForm::Start& start);
  bool active() const noexcept { return state_ != State::outside; }
  /// failed: the text since the last call, or since begin(), is none: see take_rejected(). again: calls ended
  /// before `c`. done: they ended with it. In each of these cases the reader is not active any more.
  ReadStep step(char c, std::vector<AnswerEvent>& out);
  /// The answer ends. A call under way ends as not whole; text that is none is take_rejected()'s.
  void finish(std::vector<AnswerEvent>& out);
  /// Text that turned out to be none of a call.
  std::string take_rejected() { return std::exchange(raw_, {}); }

  const std::vector<ToolCall>& calls() const noexcept { return calls_; }

 private:
  enum class State { outside, section_begin, part, arguments, after_call };
  ReadStep step_part(char c, std::vector<AnswerEvent>& out);
  ReadStep step_word(char c, std::vector<AnswerEvent>& out);
  ReadStep step_header(char c);
  ReadStep step_arguments(char c, std::vector<AnswerEvent>& out);
  ReadStep step_after(char c, std::vector<AnswerEvent>& out);
  ReadStep enter_part(std::size_t part, std::vector<AnswerEvent>& out);
  ReadStep leave(ReadStep how);
  void begin_call(std::vector<AnswerEvent>& out);
  void end_call(std::vector<AnswerEvent>& out, bool complete);
  std::string make_id() const;

  const CallForm& form_;
  std::span<const Tool> tools_;
  std::uint64_t id_seed_;
  std::vector<CallPart> parts_;
  State state_ = State::outside;
  std::size_t part_ = 0;
  LiteralRace literal_, after_;
  std::unique_ptr<ArgumentReader> arguments_;
  bool called_ = false;   // this call has begun, and its arguments are not read yet
  bool closing_ = false;  // arguments are read, and what ends calls may follow
  std::string name_, word_, index_;
  std::string raw_;  // text that may turn out to be none of a call
  std::vector<ToolCall> calls_;
};

}  // namespace longhand
