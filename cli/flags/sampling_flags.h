// The flags that say how tokens are drawn.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

/// Adds the flags that say before which texts an answer ends.
void add_stops(CLI::App& verb, std::vector<std::string>& stops);

/// "15043+1.5", "15043-inf". Throws Error (range).
std::pair<Token, float> parse_logit_bias(const std::string& text);

/// Adds the flags and turns their values into the library's options.
class SamplingFlags {
 public:
  /// `verb` must not outlive this object.
  void add_to(CLI::App& verb);

  /// What was asked for, and where nothing was, what the model's file recommends.
  /// Throws Error: range, grammar, io; type for bad values of the file.
  SamplerOptions options(const Model& model) const;
  /// The same without a model.
  SamplerOptions options() const;
  /// Puts what the model's authors recommend in place of what the user has not chosen.
  void apply(const SamplerOptions& recommended, SamplerOptions& options) const;

 private:
  /// Whether the user has chosen the option of this row, or could not.
  bool given(std::string_view row) const;
  void add_values(CLI::App& verb);
  void add_breakers(CLI::App& verb);
  void add_grammar(CLI::App& verb);

  SamplerOptions options_;
  std::int64_t seed_ = -1;
  std::string stages_, stage_letters_;
  std::string grammar_, grammar_file_, schema_, schema_file_;
  bool schema_lenient_ = false;
  std::vector<std::string> biases_, breakers_;
  std::map<std::string, const CLI::Option*, std::less<>> by_row_;  // of the option table
};

}  // namespace longhand::cli
