// Where in a text a grammar begins to hold.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/types/sampler_options.h"

namespace longhand {

class TriggerWatch {
 public:
  /// What is known of a text that has not triggered yet.
  struct State {
    std::string tail = {};  // its end, as much as a marker may begin in
    int quiet = -1;         // inside trigger.quiet[quiet]
    bool blank = true;      // only white space, and what is quiet, before `tail`
  };

  explicit TriggerWatch(GrammarTrigger trigger);

  /// Goes over more of the text. Where something triggers: what the grammar is given for it and for all
  /// behind it. `state` means nothing any more then.
  std::optional<std::string> push(State& state, std::string_view text) const;
  const GrammarTrigger& trigger() const noexcept { return trigger_; }

 private:
  struct Hit {
    std::size_t at = std::string::npos, size = 0;
    const GrammarTrigger::Start* start = nullptr;  // null: quiet begins or ends
    int quiet = -1;                                // what it is then
  };
  Hit find(const State& state) const;

  GrammarTrigger trigger_;
  std::size_t longest_ = 1;
};

}  // namespace longhand
