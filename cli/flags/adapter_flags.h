// The flags of adapters and control vectors.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

/// What one of the flags names.
struct ScaledFile {
  std::string path;
  float scale = 1;
};
/// "FILE" or "FILE:SCALE"; a file that has the whole text as its name is meant first. Throws
/// CLI::ValidationError: a scale that is no number.
ScaledFile scaled_file(const std::string& flag, const std::string& text);

class AdapterFlags {
 public:
  /// `verb` must not outlive this object.
  void add_to(CLI::App& verb);

  std::vector<ScaledFile> adapters() const;
  /// Loads them into the options of a session of `model`. Throws Error as Adapter::load() and
  /// ControlVector::load().
  void load(const Model& model, SessionOptions& options) const;

 private:
  std::vector<std::string> adapters_, controls_;
  std::pair<int, int> layers_{-1, -1};
};

}  // namespace longhand::cli
