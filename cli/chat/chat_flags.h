// The flags of `longhand chat`, and what they ask of the library.
#pragma once

#include <CLI/CLI.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/chat/chat_settings.h"
#include "cli/flags/sampling_flags.h"
#include "cli/flags/session_flags.h"
#include "cli/flags/speculation_flags.h"

namespace longhand::cli {

struct ChatFlags {
  /// `verb` must not outlive this object.
  void add_to(CLI::App& verb);

  /// Names, as /set has them, of what the command line has said.
  std::set<std::string> given() const;
  /// The message the command line asks for, from what is piped in, -f and -p, in this order; "" if there is
  /// none.
  std::string first_message(bool with_stdin) const;
  /// Throws Error: io, range, grammar, type.
  ProgramSettings settings(const Model& model) const;
  /// How conversations are written. Throws UsageError, Error(io).
  ChatTemplateOptions written_as() const;

  SessionFlags session{adapting_session()};
  SamplingFlags sampling;
  SpeculationFlags speculation;
  std::string colour = "auto";
  int cache_limit = 512;  // MiB
  bool single_turn = false, no_history = false, json = false, simple_io = false, show_prompt = false;
  bool commands = false, no_autosave = false;
  std::string go_on;  // the name of a saved chat, or kLatest
  std::string tools;  // a file; empty: none
  std::string tool_choice = "auto";
  const CLI::Option* names_model = nullptr;

  static constexpr const char* kLatest = "/latest";  // no chat is called that

 private:
  void add_message(CLI::App& verb);
  void add_template(CLI::App& verb);
  void add_reasoning(CLI::App& verb);
  void add_answers(CLI::App& verb);
  void add_surroundings(CLI::App& verb);

  std::string prompt_, file_, system_, system_file_, reasoning_ = "auto", reasoning_format_ = "auto";
  std::string template_, template_file_, variables_, context_shift_ = "on";
  std::vector<std::string> stops_;
  int max_tokens_ = -1, reasoning_budget_ = -1, keep_ = 0;
  bool escapes_ = true, plain_ = false, as_usual_ = false;
  std::vector<std::pair<const char*, const CLI::Option*>> settings_;  // by their names in /set
};

}  // namespace longhand::cli
