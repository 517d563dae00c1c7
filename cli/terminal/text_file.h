// Text as people's editors write it, made the text that was meant.
#pragma once

#include <string>

namespace longhand::cli {

/// Drops a byte order mark at the beginning.
std::string without_mark(std::string text);

/// Drops a byte order mark, and makes CR LF a LF. A CR without LF stays.
std::string plain_text(std::string text);

/// plain_text() of a file, or of stdin for "-". Throws Error as read_text() does.
std::string read_plain_text(const std::string& path);

}  // namespace longhand::cli
