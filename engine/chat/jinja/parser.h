// Tokens to syntax tree.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "engine/chat/jinja/ast.h"

namespace longhand::jinja {

/// A parsed template: immutable, shared by any number of renderings.
struct Program {
  Body body;
  std::deque<std::string> names;  // by NameId; a deque, because the tree points into it
  Heap constants;
  std::map<std::string, const Body*, std::less<>> blocks;  // {% block %} by name
};

/// Throws Error (chat_template) naming the line.
void parse(std::string_view source, Program& program);

}  // namespace longhand::jinja
