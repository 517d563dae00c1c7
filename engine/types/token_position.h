// Where a token stands, in texts with pictures.
#pragma once

#include <cstdint>

namespace longhand {

/// Time, height and width, as models that see pictures rotate queries and keys by (M-RoPE, Qwen2-VL, arXiv
/// 2409.12191). Of text all three are the same.
struct TokenPosition {
  std::int32_t t = 0, h = 0, w = 0;

  bool operator==(const TokenPosition&) const = default;
};

}  // namespace longhand
