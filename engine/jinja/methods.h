// Shared by the files that implement methods and filters.
#pragma once

#include <string_view>

#include "engine/jinja/builtins.h"

namespace longhand::jinja {

/// The heap of a rendering, for code that needs nothing else of it.
Heap& heap_of(Render& render);

/// Looks `name` up in a table of names and functions.
template <class Function, class Table>
Function find_named(const Table& table, std::string_view name) {
  for (const auto& entry : table) {
    if (entry.name == name) return entry.function;
  }
  return nullptr;
}

Method find_string_method(std::string_view name);
Filter find_text_filter(std::string_view name);
Filter find_sequence_filter(std::string_view name);

}  // namespace longhand::jinja
