#include "engine/chat/tools/literal_reader.h"

#include <algorithm>

namespace longhand {
namespace {

constexpr std::size_t kMaxDepth = 512;
constexpr std::string_view kRawQuote = "<|\"|>";

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-+.$").find(c) != std::string_view::npos;
}

}  // namespace

// A call's arguments are in parentheses that belong to the form.
LiteralReader::LiteralReader(Language language) : language_(language) {
  if (language_ == Language::python) stack_.push_back({')', true});
}

bool LiteralReader::expects_name() const {
  return !stack_.empty() && stack_.back().named && !stack_.back().has_name;
}

// The comma before it, and the brace before the first of all.
bool LiteralReader::begin_name(std::string& json) {
  if (name_ended_ || value_ended_) return false;
  const bool outermost = language_ == Language::python && stack_.size() == 1;
  if (stack_.back().empty && outermost) json += '{';
  if (!stack_.back().empty) json += ", ";
  stack_.back().empty = false;
  return true;
}

bool LiteralReader::begin_value(std::string& json) {
  if (value_ended_ || name_ended_ || stack_.empty() || expects_name()) return false;
  if (!stack_.back().named) {
    if (!stack_.back().empty) json += ", ";
    stack_.back().empty = false;
  }
  return true;
}

ReadStep LiteralReader::step(char c, std::string& json) {
  switch (state_) {
    case State::word:
      return in_word(c, json);
    case State::string:
      return in_string(c, json);
    case State::escape:
    case State::hex:
      return in_escape(c, json);
    case State::raw_string:
      return in_raw_string(c, json);
    case State::between:
      break;
  }
  if (is_space(c)) return ReadStep::more;
  const bool raw_quote = language_ == Language::gemma && c == kRawQuote.front();
  const bool quote = c == '"' || (c == '\'' && language_ == Language::python);
  if (quote || raw_quote) {
    string_is_name_ = expects_name();
    if (!(string_is_name_ ? begin_name(json) : begin_value(json))) return ReadStep::failed;
    json += '"';
    quote_ = c;
    word_ = raw_quote ? std::string(1, c) : "";
    state_ = raw_quote ? State::raw_string : State::string;
    return ReadStep::more;
  }
  if (!is_word_character(c)) return punctuation(c, json);
  if (stack_.empty()) return ReadStep::failed;
  word_ = c;
  state_ = State::word;
  return ReadStep::more;
}

ReadStep LiteralReader::in_word(char c, std::string& json) {
  if (is_word_character(c)) {
    word_ += c;
    return ReadStep::more;
  }
  state_ = State::between;
  if (!end_word(json, expects_name())) return ReadStep::failed;
  return step(c, json);
}

// A name, a number, or a word for a value.
bool LiteralReader::end_word(std::string& json, bool is_name) {
  if (is_name) {
    if (!begin_name(json)) return false;
    json += '"';
    append_escaped(json, word_);
    json += '"';
    name_ended_ = true;
    return true;
  }
  if (!begin_value(json)) return false;
  if (word_ == "True") word_ = "true";
  if (word_ == "False") word_ = "false";
  if (word_ == "None") word_ = "null";
  if (!Json::accept(word_)) return false;
  json += word_;
  value_ended_ = true;
  return true;
}

ReadStep LiteralReader::end_string(std::string& json) {
  json += '"';
  (string_is_name_ ? name_ended_ : value_ended_) = true;
  state_ = State::between;
  return ReadStep::more;
}

ReadStep LiteralReader::in_string(char c, std::string& json) {
  if (c == quote_) return end_string(json);
  if (c == '\\') {
    state_ = State::escape;
  } else {
    append_escaped(json, std::string_view(&c, 1));
  }
  return ReadStep::more;
}

// Escapes that JSON has too stay; of the others of Python the quote, \x and \0 are known.
ReadStep LiteralReader::in_escape(char c, std::string& json) {
  if (state_ == State::hex) {
    json += c;
    if (--hex_left_ == 0) state_ = State::string;
    return ReadStep::more;
  }
  state_ = State::string;
  if (c == 'x') {
    json += "\\u00";
    hex_left_ = 2;
    state_ = State::hex;
  } else if (c == '\'') {
    json += c;
  } else if (c == '0') {
    json += "\\u0000";
  } else if (std::string_view("\"\\/bfnrtu").find(c) != std::string_view::npos) {
    json += '\\';
    json += c;
  } else {
    json += "\\\\";
    append_escaped(json, std::string_view(&c, 1));
  }
  return ReadStep::more;
}

// word_ holds what may be a quote; the first of them has not been seen to its end while it does.
ReadStep LiteralReader::in_raw_string(char c, std::string& json) {
  if (quote_ == kRawQuote.front()) {  // the opening quote
    word_ += c;
    if (!kRawQuote.starts_with(word_)) return ReadStep::failed;
    if (word_ == kRawQuote) {
      word_.clear();
      quote_ = '\0';
    }
    return ReadStep::more;
  }
  word_ += c;
  if (word_ == kRawQuote) return end_string(json);
  while (!word_.empty() && !kRawQuote.starts_with(word_)) {
    append_escaped(json, std::string_view(word_).substr(0, 1));
    word_.erase(0, 1);
  }
  return ReadStep::more;
}

ReadStep LiteralReader::open(char c, std::string& json) {
  const bool outermost = stack_.empty();
  if (stack_.size() >= kMaxDepth || (outermost && c != '{')) return ReadStep::failed;
  if (!outermost && !begin_value(json)) return ReadStep::failed;
  json += c == '(' ? '[' : c;
  stack_.push_back({c == '{' ? '}' : c == '(' ? ')' : ']', c == '{'});
  return ReadStep::more;
}

ReadStep LiteralReader::punctuation(char c, std::string& json) {
  const bool python = language_ == Language::python;
  if (c == '{' || c == '[' || (c == '(' && python)) return open(c, json);
  if (stack_.empty()) return ReadStep::failed;
  Open& top = stack_.back();
  const bool call = python && stack_.size() == 1;
  if (c == (call ? '=' : ':') && name_ended_) {
    name_ended_ = false;
    top.has_name = true;
    json += ": ";
    return ReadStep::more;
  }
  if (c == ',' && value_ended_) {
    value_ended_ = false;
    top.has_name = false;
    return ReadStep::more;
  }
  if (c != top.close || name_ended_ || (top.has_name && !value_ended_)) return ReadStep::failed;
  if (call) {
    json += top.empty ? "{}" : "}";
    return ReadStep::again;
  }
  json += c == ')' ? ']' : c;
  stack_.pop_back();
  value_ended_ = true;
  return stack_.empty() ? ReadStep::done : ReadStep::more;
}

}  // namespace longhand
