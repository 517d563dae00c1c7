// Arguments each between markers of their own: <parameter=city>Paris</parameter>.
#pragma once

#include <string>
#include <vector>

#include "engine/chat/tools/argument_reader.h"

namespace longhand {

class TagReader : public ArgumentReader {
 public:
  TagReader(const CallForm& form, const Tool& tool);
  ReadStep step(char c, std::string& json) override;

 private:
  enum class State { between, text, key, string, value };
  ReadStep next_part();
  ReadStep word(char c, std::string& json);
  ReadStep value(char c, std::string& json);
  void begin_value(std::string& json);
  void end_value(std::string& json);
  ArgumentText kind() const;

  std::vector<CallPart> parts_;  // of a tag
  const Tool& tool_;
  LiteralRace between_;  // another tag, or what follows all
  LiteralRace text_;
  std::string value_end_;   // that begins what comes after a value
  bool own_lines_ = false;  // a value stands on lines of its own
  State state_ = State::between;
  std::size_t part_ = 0;
  bool first_ = true, value_begun_ = false;
  std::string key_, word_, value_;
  std::string declared_;  // $string
};

}  // namespace longhand
