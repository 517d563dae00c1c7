// The vocabulary every kernel is written on: vectors, what the unit's instruction set says of them
// (x/README.md), and a cursor that reads panels.
#pragma once

#include LONGHAND_VOCABULARY  // ops/isa/x/<isa>.inl, see ops/CMakeLists.txt

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

// Four bytes of activations in every lane.
inline I broadcast_quad(const std::int8_t* p) {
  std::int32_t w;
  std::memcpy(&w, p, 4);
  return I(w);
}

// kLanes bfloat16, which are the upper halves of floats.
inline F load_bf16(const void* p) { return as_float(load_shorts(p) << 16); }

// One part (kLanes rows) of a panel block, as format headers read it: offsets are bytes of a row's block.
struct Cursor {
  const std::byte* block;
  int part;

  Cursor next(int parts) const { return {block, part + parts}; }
  const std::byte* at(unsigned offset, int unit) const {
    return block + kPanelRows * offset + part * kLanes * unit;
  }
  I word(unsigned offset) const { return load_words(at(offset, 4)); }
  I short_word(unsigned offset) const { return load_shorts(at(offset, 2)); }
  I signed_byte(unsigned offset, unsigned k) const { return (word(offset) << (24 - 8 * k)) >> 24; }
  F half(unsigned offset) const { return load_f16(at(offset, 2)); }
  F bfloat(unsigned offset) const { return as_float(short_word(offset) << 16); }
  F float_word(unsigned offset) const { return as_float(word(offset)); }
  I constant(int value) const { return I(value); }
  F one() const { return F(1.0f); }
  I lookup(const std::int8_t (&table)[16], I w) const { return lookup16(table, w); }
  // table[index], lane by lane.
  I gather(const std::uint32_t* table, I index) const { return gather_words(table, index); }
  // Half-precision floats in the low halves of words, the high halves 0.
  F half_of(I bits) const {
    const I sign = (bits & 0x8000) << 16, magnitude = bits & 0x7FFF;
    const F finite = as_float(magnitude << 13) * F(0x1p112f);
    const I broken = (magnitude << 13) | 0x7F800000;  // infinite or NaN
    return as_float(sign | xsimd::select(magnitude < I(0x7C00), xsimd::bitwise_cast<I>(finite), broken));
  }
  // Floats of 4 bits of exponent and 3 of fraction in the low bytes of words, divided by 2^120; 0x7F is 0.
  F float_of_e4m3(I bits) const {
    return as_float(xsimd::select(bits == I(0x7F), I(0), (bits & 0x7F) << 20));
  }
  // 2^(e - 128) for bytes e; those for 0 and 1 are subnormal.
  F power_of_two(unsigned offset) const {
    const I e = load_bytes(at(offset, 1)) & 0xFF;
    return as_float(xsimd::select(e < I(2), (e + 1) << 21, (e - 1) << 23));
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
