#include "engine/chat/tools/answer_reader.h"

#include <algorithm>

#include "engine/text/marker_start.h"

namespace longhand {

AnswerReader::AnswerReader(const ReasoningStyle& style, Opening opening, const CallForm* form,
                           std::span<const Tool> tools, std::uint64_t id_seed)
    : splitter_(style, opening.in_reasoning, opening.in_header), form_(form) {
  for (const std::string& marker : style.markers()) telling_ += marker.front();
  if (form_ == nullptr) return;
  calls_.emplace(*form_, tools, id_seed);
  for (const CallForm::Start& start : form_->starts) telling_ += start.text.front();
}

// Byte by byte where a marker may be, because what it means decides who reads on.
std::vector<AnswerEvent> AnswerReader::push(std::string_view text) {
  Events out;
  while (!text.empty()) {
    std::size_t size = 1;
    if (calls_ && calls_->active()) {
      read(text.front(), out);
    } else {
      const bool plain = held_.empty() && !splitter_.holds();
      if (plain) size = std::clamp<std::size_t>(text.find_first_of(telling_), 1, text.size());
      pass(splitter_.push(text.substr(0, size)), out);
    }
    text.remove_prefix(size);
  }
  return out;
}

std::vector<AnswerEvent> AnswerReader::finish() {
  Events out;
  if (!calls_ || !calls_->active()) pass(splitter_.finish(), out);
  while (calls_ && calls_->active()) {
    calls_->finish(out);
    reject(out);
  }
  say(std::exchange(held_, {}), out);
  if (calls().empty()) {
    content_ += space_;
    add_event(out, {.kind = AnswerEvent::Kind::content, .text = space_});
  }
  space_.clear();
  return out;
}

void AnswerReader::pass(const std::vector<ReasoningSpan>& spans, Events& out) {
  for (const ReasoningSpan& span : spans) {
    const bool call = span.kind == ReasoningSpan::Kind::call && form_ != nullptr && form_->in_header;
    if (call || span.kind == ReasoningSpan::Kind::answer) {
      scan(span.text, out);
    } else {
      reasoning_ += span.text;
      add_event(out, {.kind = AnswerEvent::Kind::reasoning, .text = span.text});
    }
  }
}

const CallForm::Start* AnswerReader::find_start(std::size_t& at) const {
  const CallForm::Start* first = nullptr;
  at = std::string::npos;
  if (form_ == nullptr) return first;
  for (const CallForm::Start& start : form_->starts) {
    const std::size_t here = held_.find(start.text);
    if (here == std::string::npos || (first != nullptr && here >= at)) continue;
    const bool blank =
        content_.empty() && calls().empty() && squeezed(std::string_view(held_).substr(0, here)).empty();
    if (start.at_start && !blank) continue;
    at = here;
    first = &start;
  }
  return first;
}

// Length of the longest end of what is held that a start may begin with.
std::size_t AnswerReader::held_back() const {
  std::size_t longest = 0;
  if (form_ == nullptr) return longest;
  for (const CallForm::Start& start : form_->starts) {
    if (start.at_start && (!content_.empty() || !calls().empty())) continue;
    longest = marker_start(held_, start.text, longest);
  }
  return longest;
}

// Content, in which calls may begin.
void AnswerReader::scan(std::string_view text, Events& out) {
  if (calls_ && calls_->active()) {
    for (const char c : text) read(c, out);
    return;
  }
  held_ += text;
  std::size_t at = 0;
  if (const CallForm::Start* start = find_start(at)) {
    const std::string before = held_.substr(0, at), behind = held_.substr(at + start->text.size());
    held_.clear();
    say(before, out);
    calls_->begin(*start);
    for (const char c : behind) read(c, out);
    return;
  }
  const std::size_t ready = held_.size() - held_back();
  say(std::string_view(held_).substr(0, ready), out);
  held_.erase(0, ready);
}

void AnswerReader::read(char c, Events& out) {
  if (!calls_->active()) return scan(std::string_view(&c, 1), out);
  const std::size_t calls_before = calls_->calls().size();
  const ReadStep step = calls_->step(c, out);
  if (calls_->calls().size() > calls_before) space_.clear();
  if (step == ReadStep::failed) reject(out);
  if (step == ReadStep::again) scan(std::string_view(&c, 1), out);
}

// Text that is none of a call is content; what was taken for a start cannot be one again.
void AnswerReader::reject(Events& out) {
  std::string text = calls_->take_rejected();
  const bool began = std::ranges::any_of(
      form_->starts, [&](const CallForm::Start& start) { return text.starts_with(start.text); });
  if (began) {
    say(std::string_view(text).substr(0, 1), out);
    text.erase(0, 1);
  }
  if (!text.empty()) scan(text, out);
}

// White space counts once something follows it that is no call, and not between calls.
void AnswerReader::say(std::string_view text, Events& out) {
  if (text.empty()) return;
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) {
    space_ += text;
    return;
  }
  std::string said = std::exchange(space_, std::string(text.substr(last + 1)));
  said += text.substr(0, last + 1);
  content_ += said;
  add_event(out, {.kind = AnswerEvent::Kind::content, .text = std::move(said)});
}

}  // namespace longhand
