// The program's verbs and flags as plain data, for what is written from them: completions and the manual.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace longhand::cli {

struct FlagFacts {
  std::vector<std::string> names;    // with their dashes
  std::string value;                 // what --help calls it; empty: takes none
  std::vector<std::string> choices;  // the values there are, if that is known
  bool is_file = false;
  std::string help;
};

struct VerbFacts {
  std::string name, help;
  std::string positional;  // "FILE"; empty: none
  std::vector<FlagFacts> flags;
};

/// Everything --help shows.
std::vector<VerbFacts> verbs_of(const CLI::App& app);

}  // namespace longhand::cli
