#pragma once
#include "ops/format_info.h"
#include "ops/half.h"

namespace longhand {
inline namespace LONGHAND_UNIT {

struct F32 {
  using Block = float;
  static constexpr Field fields[] = {{0, 4, 4}};
  static constexpr FormatInfo info{"F32", 0, 1, 4, Activation::f32, fields, 1};
  static void decode(const Block* b, float* y) { *y = *b; }
  template <class C>
  static auto value(const C& c) {
    return c.float_word(0);
  }
};

}  // namespace LONGHAND_UNIT
}  // namespace longhand
