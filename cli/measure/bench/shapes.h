// Shapes of well-known models, for measuring without their files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "loaders/gguf/keys.h"

namespace longhand::cli {

/// A key of the metadata: one value, or one for each layer.
struct ShapeKey {
  const KeySpec* key;
  std::variant<int, float, std::string_view, std::span<const int>> value;
};

/// Experts: `ff` is then the width of one.
struct ModelShape {
  std::string_view name;
  std::string_view arch;  // general.architecture
  int layers, hidden, heads, kv_heads, head_dim, ff, vocab;
  bool tied;  // the output head is the embedding
  int context;
  float rope_base, epsilon;
  int experts = 0, experts_used = 0;
  std::span<const ShapeKey> keys{};            // of its architecture alone, or instead of what stands above
  std::span<const std::string_view> wishes{};  // optional tensors it has, see wish_list()
};

std::span<const ModelShape> model_shapes() noexcept;
/// nullptr for an unknown name.
const ModelShape* find_shape(std::string_view name) noexcept;

}  // namespace longhand::cli
