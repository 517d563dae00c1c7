// Arguments of a call, read byte by byte as they stream in and turned into JSON.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/chat/tools/call_form.h"
#include "engine/chat/tools/tool_list.h"

namespace longhand {

/// What became of a byte.
enum class ReadStep {
  more,   ///< taken; more follows
  done,   ///< taken, and it was the last
  again,  ///< what was read had ended before it
  failed  ///< it cannot be here
};

class ArgumentReader {
 public:
  virtual ~ArgumentReader() = default;
  /// Appends to `json` what `c` makes certain of it.
  virtual ReadStep step(char c, std::string& json) = 0;
};

/// Any of several texts, white space aside, whichever is there.
class LiteralRace {
 public:
  explicit LiteralRace(std::vector<std::string> texts);
  /// done: winner() is there. Texts that are empty, but for white space, win at once: see empty().
  ReadStep step(char c);
  std::size_t winner() const noexcept { return winner_; }
  bool empty() const noexcept;  ///< one of them has nothing to read
  void restart();

 private:
  std::vector<std::string> texts_;  // without white space
  std::vector<bool> alive_;
  std::size_t read_ = 0, winner_ = 0;
};

/// `part` is $json, $tags, $python or $gemma of `form`. A reader of $tags also reads the text that comes
/// after it in the call. Both must outlive the reader.
std::unique_ptr<ArgumentReader> make_argument_reader(const CallForm& form, CallPart::Kind part,
                                                     const Tool& tool);

/// Appends `text` as it stands inside of a JSON string.
void append_escaped(std::string& json, std::string_view text);
bool is_space(char c);
/// Without white space.
std::string squeezed(std::string_view text);

}  // namespace longhand
