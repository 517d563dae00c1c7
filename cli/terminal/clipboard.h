// The clipboard of the terminal a person sits at, also over ssh: escape sequence OSC 52.
#pragma once

#include <string>
#include <string_view>

namespace longhand::cli {

/// "TWFu" for "Man".
std::string base64(std::string_view bytes);

/// Throws Error: unsupported (no terminal here that takes escapes), limit (more than terminals accept).
void copy_to_clipboard(std::string_view text);

}  // namespace longhand::cli
