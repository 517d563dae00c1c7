// Case mapping, white space and printability of code points, as Python's str methods see them.
#pragma once

#include <string>

namespace longhand::jinja {

char32_t to_lower(char32_t code);
/// Single-character mapping only.
char32_t to_upper(char32_t code);
/// Full mapping: the upper case of U+00DF is "SS".
void append_upper(std::u32string& out, char32_t code);
/// False for control, format, unassigned and separator characters other than the space.
bool is_printable(char32_t code);
bool is_letter(char32_t code);
bool is_decimal(char32_t code);
/// str.isspace() and what strip() removes.
bool is_space(char32_t code);
/// Letters, letter-like numbers and _; what may follow them.
bool starts_identifier(char32_t code);
bool continues_identifier(char32_t code);
/// Marks, signs and modifiers that are passed over where the case of a character depends on its neighbours.
bool is_case_ignorable(char32_t code);
inline bool is_cased(char32_t code) { return to_lower(code) != code || to_upper(code) != code; }

}  // namespace longhand::jinja
