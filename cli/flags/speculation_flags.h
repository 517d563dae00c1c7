// The flags that say where guesses at the next tokens come from.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "engine/longhand.h"

namespace longhand::cli {

class SpeculationFlags {
 public:
  /// `verb` must not outlive this object.
  void add_to(CLI::App& verb);

  /// Nothing where none were asked for. Loads the draft model as `load` says. Throws Error as Model::load
  /// does.
  std::optional<SpeculationOptions> options(const LoadOptions& load) const;
  /// Nothing where none were asked for. Loads the draft model as `load` says. Throws Error as Model::load and
  /// Speculation do.
  std::optional<Speculation> speculation(const Session& session, const SessionOptions& options,
                                         const LoadOptions& load) const;

 private:
  void foresee(const std::string& text);  // of --mtp

  bool lookup_ = false, mtp_ = false;
  std::string draft_;
  int most_ = 0;
};

/// "; 41 of 60 guesses right", or nothing where there were none.
std::string describe_guesses(const GenerateResult& result);

}  // namespace longhand::cli
