// Metadata in place of a file's own, written as text.
#pragma once

#include <string>

#include "loaders/gguf/gguf_writer.h"

namespace longhand {

/// "KEY=TYPE:VALUE" as an entry; see Gguf::override_metadata(). Throws Error (range).
GgufEntry parse_override(const std::string& text);

}  // namespace longhand
