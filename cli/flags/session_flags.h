// The flags every verb that computes shares: which model, how much context, which threads, how positions
// scale.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/flags/adapter_flags.h"
#include "cli/flags/placement_flags.h"
#include "engine/longhand.h"

namespace longhand::cli {

/// Tells on stderr where so many threads are more than this process has cores.
void note_threads(int threads);

/// What -ctk and -ctv take.
std::vector<std::string> cache_type_names();
std::string_view cache_type_name(CacheType type) noexcept;
/// Of one of these names.
CacheType cache_type_of(std::string_view name);

/// Adds FILE, -m and --model as one option.
CLI::Option* add_model_option(CLI::App& verb, std::string& path);
/// The model has to be named, there or in $LONGHAND_MODEL.
void require_model(CLI::App& verb);

/// Of verbs that people give texts of any length.
inline SessionOptions adapting_session() { return {.attention = {.memory = "auto"}}; }

/// Adds the flags and turns their values into the library's options.
class SessionFlags {
 public:
  SessionFlags() = default;
  /// `defaults`: of what no flag says.
  explicit SessionFlags(const SessionOptions& defaults) : session_(defaults) {}

  /// `verb` must not outlive this object.
  void add_to(CLI::App& verb);

  LoadOptions load_options() const;
  /// But for adapters. Measures the machine where -t auto asks for it. Throws Error as best_thread_counts().
  SessionOptions session_options() const;
  /// The same with what is computed beside `model`. Throws also as AdapterFlags::load().
  SessionOptions session_options(const Model& model) const;
  const AdapterFlags& adapters() const noexcept { return adapters_; }
  /// Tells on stderr, each in one line, which given flags have no effect here, and of more threads than
  /// cores.
  void tell_notes() const;

  bool verbose() const noexcept { return verbose_; }
  /// open_model(), with a note of what it is under -v.
  Model open(const std::string& path, const LoadOptions& options) const;
  /// Under -v, notes of how a session computes.
  void tell_details(const Session& session, std::uint32_t seed) const;

  std::string model;

 private:
  void add_computing(CLI::App& verb);
  void add_threads(CLI::App& group);
  void add_rope(CLI::App& verb);
  void add_attention(CLI::App& verb);

  LoadOptions load_;
  SessionOptions session_;
  AdapterFlags adapters_;
  mutable PlacementFlags placement_;  // the program moves when it is first asked
  bool no_repack_ = false, auto_threads_ = false, verbose_ = false;
  std::vector<std::string> ignored_;
};

/// Loads the model that `name` means, as model_path() says, with a progress bar; Ctrl-C gives Error
/// (cancelled). Warnings about the file go to stderr.
Model open_model(const std::string& name, LoadOptions options);

}  // namespace longhand::cli
