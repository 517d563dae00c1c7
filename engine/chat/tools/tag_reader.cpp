#include "engine/chat/tools/tag_reader.h"

#include <algorithm>

namespace longhand {
namespace {

constexpr std::size_t kMaxWord = 256;  // bytes of a name

std::string text_after_tags(const CallForm& form) {
  const std::vector<CallPart> parts = call_parts(form.call);
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    if (parts[i].kind == CallPart::Kind::tags) return parts[i + 1].text;
  }
  return "";
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// A text that stands for a value other than a string; nothing where it is no JSON, nor what Python writes.
std::string as_json(std::string_view text) {
  if (text == "True") return "true";
  if (text == "False") return "false";
  if (text == "None") return "null";
  return Json::accept(text) ? std::string(text) : "";
}

}  // namespace

TagReader::TagReader(const CallForm& form, const Tool& tool)
    : parts_(call_parts(form.tag)),
      tool_(tool),
      between_({parts_.front().text, text_after_tags(form)}),
      text_({""}) {
  for (std::size_t i = 1; i + 1 < parts_.size(); ++i) {
    if (parts_[i].kind != CallPart::Kind::value) continue;
    value_end_ = trimmed(parts_[i + 1].text);
    own_lines_ = parts_[i - 1].text.ends_with('\n') && parts_[i + 1].text.starts_with('\n');
  }
}

ReadStep TagReader::next_part() {
  ++part_;
  if (part_ == parts_.size()) {
    between_.restart();
    state_ = State::between;
    return ReadStep::more;
  }
  word_.clear();
  value_.clear();
  value_begun_ = false;
  switch (parts_[part_].kind) {
    case CallPart::Kind::key:
      state_ = State::key;
      break;
    case CallPart::Kind::string:
      state_ = State::string;
      break;
    case CallPart::Kind::value:
      state_ = State::value;
      break;
    default:
      text_ = LiteralRace({parts_[part_].text});
      state_ = State::text;
      if (text_.empty()) return next_part();
  }
  return ReadStep::more;
}

ArgumentText TagReader::kind() const {
  if (declared_ == "true") return ArgumentText::raw;
  if (declared_ == "false") return ArgumentText::json;
  return tool_.kind(key_);
}

ReadStep TagReader::step(char c, std::string& json) {
  if (state_ == State::value) return value(c, json);
  if (state_ == State::key || state_ == State::string) return word(c, json);
  LiteralRace& race = state_ == State::between ? between_ : text_;
  const ReadStep read = race.step(c);
  if (read != ReadStep::done) return read;
  if (state_ == State::between && between_.winner() == 1) {
    json += first_ ? "{}" : "}";
    return ReadStep::done;
  }
  if (state_ == State::between) {
    part_ = 0;
    declared_.clear();
  }
  return next_part();
}

// A name, up to what comes after it.
ReadStep TagReader::word(char c, std::string& json) {
  const std::string after = squeezed(parts_[part_ + 1].text);
  if (c != after.front()) {
    word_ += c;
    return word_.size() > kMaxWord ? ReadStep::failed : ReadStep::more;
  }
  if (state_ == State::key) key_ = trimmed(word_);
  if (state_ == State::string) declared_ = trimmed(word_);
  next_part();
  return step(c, json);
}

void TagReader::begin_value(std::string& json) {
  value_begun_ = true;
  json += first_ ? "{\"" : ", \"";
  first_ = false;
  append_escaped(json, key_);
  json += "\": ";
  if (kind() == ArgumentText::raw) json += '"';
}

ReadStep TagReader::value(char c, std::string& json) {
  const bool first_line_break = own_lines_ && !value_begun_ && c == '\n';
  if (!value_begun_) begin_value(json);
  if (first_line_break) return ReadStep::more;
  value_ += c;
  if (value_.ends_with(value_end_)) {
    value_.resize(value_.size() - value_end_.size());
    end_value(json);
    const std::string rest(squeezed(parts_[part_ + 1].text).substr(squeezed(value_end_).size()));
    ++part_;
    text_ = LiteralRace({rest});
    state_ = State::text;
    return text_.empty() ? next_part() : ReadStep::more;
  }
  if (kind() != ArgumentText::raw) return ReadStep::more;
  // What cannot be part of the end any more.
  std::size_t ready = value_.size() - std::min(value_.size(), value_end_.size() + 1);
  while (ready > 0 && (std::uint8_t(value_[ready]) & 0xC0) == 0x80) --ready;
  append_escaped(json, std::string_view(value_).substr(0, ready));
  value_.erase(0, ready);
  return ReadStep::more;
}

void TagReader::end_value(std::string& json) {
  if (own_lines_ && value_.ends_with('\n')) value_.pop_back();
  if (kind() == ArgumentText::raw) {
    append_escaped(json, value_);
    json += '"';
    return;
  }
  const std::string other = as_json(trimmed(value_));
  if (!other.empty()) {
    json += other;
    return;
  }
  json += '"';
  append_escaped(json, value_);
  json += '"';
}

}  // namespace longhand
