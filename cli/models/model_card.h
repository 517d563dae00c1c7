// What a model file says about itself, and whether this machine can run it, from its header alone.
#pragma once

#include <cstdint>
#include <string>

#include "loaders/gguf/gguf.h"

namespace longhand::cli {

struct ModelCard {
  std::string architecture, type;  // "llama", "Q4_K": the type of most bytes
  std::uint64_t file_bytes = 0, cache_bytes_per_token = 0;
  int context = 0;      // tokens it was trained for
  std::string problem;  // why it cannot be run; empty: it can
};

/// Never throws for what a file holds: that is the card's problem.
ModelCard read_card(const std::string& path);
ModelCard read_card(const Gguf& file);

struct Fit {
  bool fits = false;
  int context = 0;  // tokens that fit beside the weights, at most what the model was trained for
};
/// `available` bytes of memory; 0: unknown, and everything fits.
Fit fit(const ModelCard& card, std::uint64_t available) noexcept;

/// "yes", "yes, 8192 tokens", "no, needs 4.20 GiB", or the card's problem.
std::string fit_text(const ModelCard& card, std::uint64_t available);

}  // namespace longhand::cli
