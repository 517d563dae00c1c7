// Arguments as literals of a language: a=1, b="x" in Python, {a:1,b:<|"|>x<|"|>} of Gemma.
#pragma once

#include <string>
#include <vector>

#include "engine/chat/tools/argument_reader.h"

namespace longhand {

class LiteralReader : public ArgumentReader {
 public:
  enum class Language { python, gemma };
  explicit LiteralReader(Language language);
  ReadStep step(char c, std::string& json) override;

 private:
  struct Open {
    char close;         // what ends it
    bool named;         // its members have names
    bool empty = true;  // nothing in it so far
    bool has_name = false;
  };
  ReadStep in_word(char c, std::string& json);
  ReadStep in_string(char c, std::string& json);
  ReadStep in_escape(char c, std::string& json);
  ReadStep in_raw_string(char c, std::string& json);
  ReadStep punctuation(char c, std::string& json);
  ReadStep open(char c, std::string& json);
  bool begin_value(std::string& json);
  bool begin_name(std::string& json);
  bool end_word(std::string& json, bool is_name);
  ReadStep end_string(std::string& json);
  bool expects_name() const;

  Language language_;
  std::vector<Open> stack_;
  enum class State { between, word, string, escape, hex, raw_string } state_ = State::between;
  std::string word_;
  char quote_ = '"';
  bool string_is_name_ = false;  // the string under way
  bool name_ended_ = false;      // a name was read; ':' or '=' must follow
  bool value_ended_ = false;     // a value was read; a comma or an end must follow
  int hex_left_ = 0;
};

}  // namespace longhand
