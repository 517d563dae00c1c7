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
  I lookup(const std::int8_t (&table)[16], I w) const { return lookup16(table, w); }
  // 2^(e - 128) for bytes e; those for 0 and 1 are subnormal.
  F power_of_two(unsigned offset) const {
    const I e = load_bytes(at(offset, 1)) & 0xFF;
    return as_float(xsimd::select(e < I(2), (e + 1) << 21, (e - 1) << 23));
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
