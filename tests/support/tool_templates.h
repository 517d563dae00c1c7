// Chat templates in the manner of model families: each tells of tools and writes calls in the form of its
// family. Written for these tests.
#pragma once

#include <span>
#include <string>

namespace longhand::test {

struct ToolTemplate {
  std::string form;  // the name of the CallForm
  std::string text;
  bool shows_tools = true, shows_calls = true, shows_results = true;
  bool arguments_as_text = false, content_as_none = false, short_ids = false;
};

std::span<const ToolTemplate> tool_templates();

}  // namespace longhand::test
