// Regular expressions of JSON schemas as GBNF.
#pragma once

#include <string>
#include <string_view>

namespace longhand {

/// The inside of a JSON string that matches `pattern`; characters that JSON escapes are expected escaped.
/// `any` is the rule for one character of a JSON string: where ^ or $ is missing, any text may stand. Knows .
/// [] [^] \d \D \w \W \s \S \t \n \r \f \v \xHH \uHHHH () (?:) | * + ? {m,n} and lazy forms. Throws Error
/// (grammar) for anything else, such as look-around, back-references and anchors inside.
std::string pattern_to_gbnf(std::string_view pattern, const std::string& any);

}  // namespace longhand
