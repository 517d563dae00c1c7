// Metadata of small models of every architecture, for fuzzing: sizes that exercise everything an architecture
// has, and files of a few kilobytes.
#pragma once

#include <cstdint>
#include <string>

#include "loaders/gguf/gguf_writer.h"

namespace longhand::fuzz {

struct SmallShape {
  std::string arch;
  std::uint32_t hidden = 32, heads = 2, kv_heads = 1, head_dim = 16, ff = 32;
  std::uint32_t layers = 1;  // architectures with two kinds of layers have at least 2
  std::uint32_t experts = 0, latent = 0;
};

/// Whether models of this architecture are mixtures of experts.
bool has_experts(const std::string& arch);
/// Adds the keys of a model, of which the last layer has attention.
void add_metadata(GgufHead& head, const SmallShape& shape);

}  // namespace longhand::fuzz
