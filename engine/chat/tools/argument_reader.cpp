#include "engine/chat/tools/argument_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/chat/tools/literal_reader.h"
#include "engine/chat/tools/tag_reader.h"

namespace longhand {
namespace {

// Passes a JSON object through. Whether it really is one is found when it is whole.
class JsonReader : public ArgumentReader {
 public:
  ReadStep step(char c, std::string& json) override {
    if (depth_ == 0 && is_space(c)) return ReadStep::more;
    if (depth_ == 0 && c != '{') return ReadStep::failed;
    json += c;
    if (in_string_) {
      in_string_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
      return ReadStep::more;
    }
    in_string_ = c == '"';
    if (c == '{' || c == '[') ++depth_;
    if (c == '}' || c == ']') --depth_;
    return depth_ == 0 ? ReadStep::done : ReadStep::more;
  }

 private:
  int depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

}  // namespace

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

std::string squeezed(std::string_view text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return !is_space(c); });
  return out;
}

void append_escaped(std::string& json, std::string_view text) {
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (c == '\n') {
      json += "\\n";
    } else if (c == '\t') {
      json += "\\t";
    } else if (std::uint8_t(c) < 0x20) {
      json += fmt::format("\\u{:04x}", unsigned(std::uint8_t(c)));
    } else {
      json += c;
    }
  }
}

LiteralRace::LiteralRace(std::vector<std::string> texts) {
  for (const std::string& text : texts) texts_.push_back(squeezed(text));
  restart();
}

void LiteralRace::restart() {
  read_ = 0;
  alive_.assign(texts_.size(), true);
}

bool LiteralRace::empty() const noexcept {
  return std::ranges::any_of(texts_, [](const std::string& text) { return text.empty(); });
}

ReadStep LiteralRace::step(char c) {
  if (is_space(c)) return ReadStep::more;
  bool any = false;
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    alive_[i] = alive_[i] && read_ < texts_[i].size() && texts_[i][read_] == c;
    any = any || alive_[i];
  }
  ++read_;
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    if (!alive_[i] || read_ != texts_[i].size()) continue;
    winner_ = i;
    return ReadStep::done;
  }
  return any ? ReadStep::more : ReadStep::failed;
}

std::unique_ptr<ArgumentReader> make_argument_reader(const CallForm& form, CallPart::Kind part,
                                                     const Tool& tool) {
  if (part == CallPart::Kind::tags) return std::make_unique<TagReader>(form, tool);
  if (part == CallPart::Kind::python) return std::make_unique<LiteralReader>(LiteralReader::Language::python);
  if (part == CallPart::Kind::gemma) return std::make_unique<LiteralReader>(LiteralReader::Language::gemma);
  return std::make_unique<JsonReader>();
}

}  // namespace longhand
