// Flags of llama.cpp's programs that mean nothing on this engine, or that it refuses with a reason.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

namespace longhand::cli {

/// Accepted so that scripts keep working; what was given is told in one line.
struct IgnoredFlag {
  const char* flags;
  bool takes_value;
};
std::span<const IgnoredFlag> ignored_flags() noexcept;

/// Would change what comes out; so whoever gives it has to know.
struct RefusedFlag {
  const char* flags;
  bool takes_value;
  const char* why;
};
std::span<const RefusedFlag> refused_flags() noexcept;

/// Adds those that `verb` has no use for. The names of ignored ones that are given go to `ignored`, which
/// must outlive the verb.
void add_foreign_flags(CLI::App& verb, std::vector<std::string>& ignored);

}  // namespace longhand::cli
