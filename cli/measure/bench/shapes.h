// Shapes of well-known models, for measuring without their files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace longhand::cli {

/// Experts: `ff` is then the width of one.
struct ModelShape {
  std::string_view name;
  std::string_view arch;  // general.architecture
  int layers, hidden, heads, kv_heads, head_dim, ff, vocab;
  bool tied;  // the output head is the embedding
  int context;
  float rope_base, epsilon;
  int experts = 0, experts_used = 0;
};

std::span<const ModelShape> model_shapes() noexcept;
/// nullptr for an unknown name.
const ModelShape* find_shape(std::string_view name) noexcept;

}  // namespace longhand::cli
