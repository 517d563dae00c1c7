// The grammar of calls: one form, the functions that may be called, and what their schemas say.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/chat/reasoning.h"
#include "engine/chat/tools/call_form.h"
#include "engine/chat/tools/tool_list.h"

namespace longhand {

/// A text that stands for itself as elements of GBNF: control tokens of a vocabulary as such.
using LiteralSpeller = std::function<std::string(std::string_view)>;
/// Of bytes alone.
std::string spell_bytes(std::string_view text);

struct CallGrammar {
  std::string gbnf;
  std::vector<std::string> notes = {};  ///< what it does not hold arguments to, and of which function
};

/// Where a text that is held to the grammar begins.
enum class CallGrammarStart {
  call,       ///< with a call: GrammarTrigger feeds it what a Start stands for
  answer,     ///< with the answer, which may reason first
  reasoning,  ///< within the reasoning of the answer
  plain,      ///< with the answer, which does not reason, unless reasoning is a channel of its own
};

class CallGrammarWriter {
 public:
  CallGrammarWriter(const CallForm& form, const ReasoningStyle& reasoning, LiteralSpeller spell)
      : form_(form), reasoning_(reasoning), spell_(std::move(spell)) {}

  /// Texts of one call, or of several if `several`, to `tools`; or, where there is a `schema`, JSON that
  /// satisfies it. There are tools or a schema, and with the start `call` no schema. Throws Error (grammar):
  /// no arguments satisfy a schema, no answer does, the whole is too large.
  CallGrammar write(std::span<const Tool> tools, bool several, CallGrammarStart start,
                    const Json* schema = nullptr) const;

 private:
  bool channels() const { return reasoning_.form == ReasoningStyle::Form::channels; }

  const CallForm& form_;
  const ReasoningStyle& reasoning_;
  LiteralSpeller spell_;
};

}  // namespace longhand
