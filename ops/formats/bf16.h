#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

struct BF16 {
  using Block = std::uint16_t;
  static constexpr Field fields[] = {{0, 2, 2}};
  static constexpr FormatInfo info{"BF16", 30, 1, 2, Activation::bf16, fields, 1};
  static void decode(const Block* b, float* y) { *y = bf16_to_f32(*b); }
  template <class C>
  static auto value(const C& c) {
    return c.bfloat(0);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
