// Rendering small templates on one fixed set of variables.
#pragma once

#include <string>
#include <string_view>

#include "engine/chat/jinja/template.h"

namespace longhand::jinja {

struct Row {
  const char* source;
  const char* expected;
};

/// The rendered text, or "error: ..." when the template fails.
std::string render_row(std::string_view source, const RenderOptions& options = {});
/// The message of the Error, or "" when the template renders.
std::string row_error(std::string_view source, const RenderOptions& options = {});
/// Like render_row, with the untrusted parts of the text in angle quotes: "a<<b>>c".
std::string render_marked(std::string_view source);

}  // namespace longhand::jinja
