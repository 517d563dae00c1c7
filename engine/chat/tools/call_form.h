// The forms in which models write calls of functions, as a table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace longhand {

/// How a model writes calls: `section_begin`, then `call` once or several times with `between` between them,
/// then `section_end`. Texts stand for themselves but for these words:
///   $name    the function
///   $json    the arguments as a JSON object
///   $tags    the arguments, each as `tag` with its $key and $value; a string stands for itself, all else is
///            JSON. $string there is "true" for a string and "false" for JSON
///   $python  the arguments as in a call in Python: a=1, b="x"
///   $gemma   the arguments in braces, names without quotes, strings between <|"|>
///   $id      the call's identity, letters and digits
///   $index   a number, how many calls came before
///   $header  words up to what follows, which say nothing
/// Where a text is read, white space counts only inside of arguments.
struct CallForm {
  /// What begins the first call, and what of `section_begin` and `call` that is; the rest follows.
  struct Start {
    std::string text, stands_for;
    bool at_start = false;  ///< counts only at the beginning of an answer
  };

  std::string name;
  std::vector<Start> starts;  ///< the first one is how section_begin and call begin
  std::string section_begin, call, between, section_end;
  std::string tag = {};
  std::string id = {};  ///< of a call, where its form says it, with $name and $index
  bool several = true;  ///< an answer may have several calls
  std::string hint =
      {};  ///< a text in a template that does not write calls, or in the vocabulary, that tells
  bool in_header = false;  ///< calls begin in the header of a channel
};

/// Those that are known, in the order in which they are tried.
const std::vector<CallForm>& call_forms();
/// The one of that name, which must be there.
const CallForm& call_form(std::string_view name);
/// Where the template knows of no calls: what the system message asks for.
const CallForm& default_call_form();

/// A part of a call: a text that stands for itself, or one of the words with '$'.
struct CallPart {
  enum class Kind { text, name, json, tags, python, gemma, id, index, header, key, value, string };
  Kind kind = Kind::text;
  std::string text = {};
};
/// `pattern` is `call` or `tag` of a form.
std::vector<CallPart> call_parts(std::string_view pattern);
/// What stands for itself before all else; empty: nothing does.
std::string first_text(const std::vector<CallPart>& parts);

}  // namespace longhand
