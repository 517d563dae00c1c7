// Sessions of a tiny model under every memory, for states to be saved from and restored to.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "tests/support/temp_dir.h"

namespace longhand::fuzz {

/// Every kind of memory, with windows shorter than the shortest text.
std::span<const AttentionOptions> small_memories();

/// The same n tokens for the same seed.
std::vector<Token> tiny_text(int n, int seed);

class TinySessions {
 public:
  TinySessions();
  Session make(std::size_t memory) const;
  /// The state file after so many tokens.
  std::string saved(std::size_t memory, int tokens) const;
  std::string path_of(const char* name) const { return folder_.file(name); }

 private:
  Model make_model() const;
  test::TempDir folder_;
  Model model_;
};

std::string read_file(const std::string& path);

}  // namespace longhand::fuzz
