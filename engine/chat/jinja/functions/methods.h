// Shared by the files that implement methods and filters.
#pragma once

#include <span>
#include <string_view>

#include "engine/chat/jinja/functions/builtins.h"

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

// The tables, each in the file of its functions.
std::span<const Named<Method>> string_methods();
std::span<const Named<Filter>> text_filters();
std::span<const Named<Filter>> sequence_filters();
std::span<const Named<Test>> value_tests();

}  // namespace longhand::jinja
