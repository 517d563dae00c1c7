#include "engine/chat/tools/call_reader.h"

#include <algorithm>

namespace longhand {
namespace {

constexpr std::size_t kMaxHeader = 256;  // bytes that say nothing
constexpr std::size_t kIdSize = 9;       // what the pickiest templates want

using Kind = CallPart::Kind;

bool is_letter_or_digit(char c) { return is_tool_name_character(c) && c != '.'; }

}  // namespace

void add_event(std::vector<AnswerEvent>& out, AnswerEvent event) {
  using EventKind = AnswerEvent::Kind;
  const bool text = event.kind != EventKind::call_begin && event.kind != EventKind::call_end;
  if (text && event.text.empty()) return;
  if (text && !out.empty() && out.back().kind == event.kind && out.back().call == event.call) {
    out.back().text += event.text;
  } else {
    out.push_back(std::move(event));
  }
}

CallReader::CallReader(const CallForm& form, std::span<const Tool> tools, std::uint64_t id_seed)
    : form_(form),
      tools_(tools),
      id_seed_(id_seed),
      parts_(call_parts(form.call)),
      literal_({""}),
      after_({form.between + first_text(parts_), form.section_end}) {}

void CallReader::begin(const CallForm::Start& start) {
  raw_ = start.text;
  closing_ = false;
  state_ = State::section_begin;
  literal_ = LiteralRace({form_.section_begin});
  std::vector<AnswerEvent> none;
  if (literal_.empty()) enter_part(0, none);
  const std::string kept = raw_;
  for (const char c : start.stands_for) step(c, none);
  raw_ = kept;
}

// Ids differ with the text before them, so that those of a conversation are distinct.
std::string CallReader::make_id() const {
  std::string id = form_.id;
  const auto fill = [&](std::string_view word, const std::string& text) {
    if (const std::size_t at = id.find(word); at != std::string::npos) id.replace(at, word.size(), text);
  };
  fill("$name", name_);
  fill("$index", index_);
  if (!id.empty()) return id;
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::uint64_t bits = (id_seed_ + calls_.size() + 1) * 0x9E3779B97F4A7C15;
  bits = (bits ^ bits >> 29) * 0xBF58476D1CE4E5B9;
  bits ^= bits >> 32;
  for (std::size_t i = 0; i < kIdSize; ++i, bits /= kDigits.size()) id += kDigits[bits % kDigits.size()];
  return id;
}

// Goes on to a part, or behind the call where there is none left.
ReadStep CallReader::enter_part(std::size_t part, std::vector<AnswerEvent>& out) {
  state_ = State::part;
  part_ = part;
  word_.clear();
  if (part_ == parts_.size()) {
    after_.restart();
    state_ = State::after_call;
    raw_.clear();
    return form_.section_end.empty() ? leave(ReadStep::done) : ReadStep::more;
  }
  switch (parts_[part_].kind) {
    case Kind::text:
      literal_ = LiteralRace({parts_[part_].text});
      return literal_.empty() ? enter_part(part_ + 1, out) : ReadStep::more;
    case Kind::json:
    case Kind::tags:
    case Kind::python:
    case Kind::gemma:
      begin_call(out);
      return ReadStep::more;
    default:
      return ReadStep::more;
  }
}

ReadStep CallReader::leave(ReadStep how) {
  state_ = State::outside;
  arguments_.reset();
  return how;
}

void CallReader::begin_call(std::vector<AnswerEvent>& out) {
  state_ = State::arguments;
  const auto tool = std::ranges::find(tools_, name_, &Tool::name);
  arguments_ = make_argument_reader(form_, parts_[part_].kind, *tool);
  calls_.push_back({make_id(), name_, "", false});
  called_ = true;
  raw_.clear();
  add_event(out, {.kind = AnswerEvent::Kind::call_begin,
                  .call = calls_.size() - 1,
                  .id = calls_.back().id,
                  .name = name_});
}

void CallReader::end_call(std::vector<AnswerEvent>& out, bool complete) {
  called_ = false;
  closing_ = true;
  ToolCall& call = calls_.back();
  call.whole = complete && Json::accept(call.arguments);
  add_event(out, {.kind = AnswerEvent::Kind::call_end, .call = calls_.size() - 1, .whole = call.whole});
}

ReadStep CallReader::step(char c, std::vector<AnswerEvent>& out) {
  raw_ += c;
  ReadStep read = ReadStep::more;
  switch (state_) {
    case State::section_begin:
      read = literal_.step(c);
      if (read == ReadStep::done) read = enter_part(0, out);
      break;
    case State::part:
      read = step_part(c, out);
      break;
    case State::arguments:
      read = step_arguments(c, out);
      break;
    default:
      read = step_after(c, out);
  }
  if (read == ReadStep::failed) {
    if (called_) {
      end_call(out, false);
      raw_ = c;
    }
    leave(read);
  }
  return read;
}

ReadStep CallReader::step_part(char c, std::vector<AnswerEvent>& out) {
  switch (parts_[part_].kind) {
    case Kind::text: {
      const ReadStep read = literal_.step(c);
      return read == ReadStep::done ? enter_part(part_ + 1, out) : read;
    }
    case Kind::header:
      return step_header(c) == ReadStep::done ? enter_part(part_ + 2, out)
             : word_.size() > kMaxHeader      ? ReadStep::failed
                                              : ReadStep::more;
    default:
      return step_word(c, out);
  }
}

// A name, a number or an identity.
ReadStep CallReader::step_word(char c, std::vector<AnswerEvent>& out) {
  const Kind kind = parts_[part_].kind;
  if (word_.empty() && is_space(c)) return ReadStep::more;
  const bool fits = kind == Kind::name    ? is_tool_name_character(c)
                    : kind == Kind::index ? c >= '0' && c <= '9'
                                          : is_letter_or_digit(c);
  if (fits) {
    word_ += c;
    return word_.size() > kMaxToolName ? ReadStep::failed : ReadStep::more;
  }
  if (word_.empty()) return ReadStep::failed;
  if (kind == Kind::name) {
    name_ = word_;
    if (std::ranges::find(tools_, name_, &Tool::name) == tools_.end()) return ReadStep::failed;
  }
  if (kind == Kind::index) index_ = word_;
  raw_.pop_back();
  const ReadStep read = enter_part(part_ + 1, out);
  return read == ReadStep::more ? step(c, out) : ReadStep::again;
}

// Up to the end of the text that comes after it.
ReadStep CallReader::step_header(char c) {
  word_ += c;
  return word_.ends_with(parts_[part_ + 1].text) ? ReadStep::done : ReadStep::more;
}

ReadStep CallReader::step_arguments(char c, std::vector<AnswerEvent>& out) {
  std::string json;
  const ReadStep read = arguments_->step(c, json);
  calls_.back().arguments += json;
  add_event(out, {.kind = AnswerEvent::Kind::call_arguments, .text = json, .call = calls_.size() - 1});
  raw_.clear();
  if (read == ReadStep::more || read == ReadStep::failed) return read;
  end_call(out, true);
  // Tags are read with what comes after them.
  const std::size_t next = part_ + (parts_[part_].kind == Kind::tags ? 2 : 1);
  const ReadStep entered = enter_part(next, out);
  if (read == ReadStep::done) return entered;
  return entered == ReadStep::more ? step(c, out) : ReadStep::again;
}

// Another call, or the end of all.
ReadStep CallReader::step_after(char c, std::vector<AnswerEvent>& out) {
  const ReadStep read = after_.step(c);
  if (read != ReadStep::done) return read;
  if (after_.winner() == 0) {
    closing_ = false;
    return enter_part(parts_.front().kind == Kind::text ? 1 : 0, out);
  }
  raw_.clear();
  return leave(ReadStep::done);
}

void CallReader::finish(std::vector<AnswerEvent>& out) {
  if (!active()) return;
  if (called_) {
    end_call(out, false);
    raw_.clear();
  }
  if (closing_) raw_.clear();
  leave(ReadStep::done);
}

}  // namespace longhand
