// Dot products where add_quad_products(acc, w, a), of unsigned bytes w and signed bytes a, is one
// instruction.
#pragma once

#include "ops/isa/x/word_dot.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

inline I add_quad_products(I acc, I w, I a);

// Signed weights are made unsigned by adding 128.
template <class Fm, int kQuads>
struct Dot : WordDot<Fm::kSigned ? 128 : Fm::kOffset> {
  static I staged(I w) { return Fm::kSigned ? w ^ I(std::int32_t(0x80808080)) : w; }
  void add(I w, I a, int, I, I&) { this->acc = add_quad_products(this->acc, w, a); }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
