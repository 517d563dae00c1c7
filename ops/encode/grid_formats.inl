// How codes of grid formats are packed.
#pragma once

#include "ops/encode/grids.inl"

namespace longhand {
inline namespace LONGHAND_UNIT {
namespace {

inline constexpr std::int8_t kIq3XxsLevels[8] = {4, 12, 20, 28, 36, 44, 52, 62};
using FreeIq2 = TableLevels<kIq2Levels, 3>;
using FreeIq3Xxs = TableLevels<kIq3XxsLevels, 8>;

inline GridLevels<3> iq2_levels(const GridIndex& index) {
  return {&index, {float(kIq2Levels[0]), float(kIq2Levels[1]), float(kIq2Levels[2])}};
}

/// Half bytes of whole scales.
template <std::size_t n>
void pack_half_bytes(const int* scale, std::uint8_t (&bytes)[n]) {
  for (std::size_t i = 0; i < n; ++i) bytes[i] = std::uint8_t(scale[2 * i] | scale[2 * i + 1] << 4);
}
/// Seven signs of each of four units, and a scale above them.
inline void pack_signs(const GridCode* code, int scale, std::uint8_t (&bytes)[4]) {
  std::uint32_t word = std::uint32_t(scale) << 28;
  for (int u = 0; u < 4; ++u) word |= std::uint32_t(code[u].signs & 127) << (7 * u);
  std::memcpy(bytes, &word, 4);
}

constexpr Parts kIq2Parts{0.7f, 1.3f}, kIq3Parts{0.75f, 1.2f}, kIq1Parts{0.35f, 1.0f};

template <>
struct Encoder<IQ2_XXS> {
  static void encode(const float* src, const float* importance, IQ2_XXS::Block& block) {
    const GridBlock<SignedGrid<FreeIq2, 3, 32, true>> best({iq2_levels(iq2_xxs_index())}, kIq2Parts, 8, src,
                                                           importance);
    block.d = best.d();
    for (int run = 0; run < 8; ++run) {
      const GridCode* code = best.code + 4 * run;
      for (int u = 0; u < 4; ++u) block.runs[run].entry[u] = std::uint8_t(code[u].entry[0]);
      pack_signs(code, best.scale[run], block.runs[run].signs);
    }
  }
};

template <>
struct Encoder<IQ2_XS> {
  static void encode(const float* src, const float* importance, IQ2_XS::Block& block) {
    const GridBlock<SignedGrid<FreeIq2, 3, 16, true>> best({iq2_levels(iq2_xs_index())}, kIq2Parts, 8, src,
                                                           importance);
    block.d = best.d();
    for (int u = 0; u < 32; ++u)
      block.qs[u] = std::uint16_t(best.code[u].entry[0] | (best.code[u].signs & 127) << 9);
    pack_half_bytes(best.scale, block.scales);
  }
};

template <>
struct Encoder<IQ2_S> {
  static void encode(const float* src, const float* importance, IQ2_S::Block& block) {
    const GridBlock<SignedGrid<FreeIq2, 3, 16, false>> best({iq2_levels(iq2_s_index())}, kIq2Parts, 8, src,
                                                            importance);
    block.d = best.d();
    for (int u = 0; u < 32; ++u) {
      const unsigned entry = best.code[u].entry[0];
      block.qs[u] = std::uint8_t(entry);
      block.qh[u / 4] = std::uint8_t(block.qh[u / 4] | (entry >> 8) << (2 * (u % 4)));
      block.signs[u] = best.code[u].signs;
    }
    pack_half_bytes(best.scale, block.scales);
  }
};

template <>
struct Encoder<IQ3_XXS> {
  static void encode(const float* src, const float* importance, IQ3_XXS::Block& block) {
    const GridLevels<8> levels{&iq3_xxs_index(), {4, 12, 20, 28, 36, 44, 52, 62}};
    const GridBlock<SignedGrid<FreeIq3Xxs, 8, 32, true>> best({levels}, kIq3Parts, 4, src, importance);
    block.d = best.d();
    for (int i = 0; i < 64; ++i) block.qs[i] = std::uint8_t(best.code[i / 2].entry[i % 2]);
    for (int run = 0; run < 8; ++run) pack_signs(best.code + 4 * run, best.scale[run], block.signs[run]);
  }
};

template <>
struct Encoder<IQ3_S> {
  static void encode(const float* src, const float* importance, IQ3_S::Block& block) {
    const GridLevels<8> levels{&iq3_s_index(), {1, 3, 5, 7, 9, 11, 13, 15}};
    const GridBlock<SignedGrid<OddLevels<8>, 8, 32, false>> best({levels}, kIq3Parts, 1, src, importance);
    block.d = best.d();
    for (int i = 0; i < 64; ++i) {
      const unsigned entry = best.code[i / 2].entry[i % 2];
      block.qs[i] = std::uint8_t(entry);
      block.qh[i / 8] = std::uint8_t(block.qh[i / 8] | (entry >> 8) << (i % 8));
    }
    for (int u = 0; u < 32; ++u) block.signs[u] = best.code[u].signs;
    pack_half_bytes(best.scale, block.scales);
  }
};

template <>
struct Encoder<IQ1_S> {
  static void encode(const float* src, const float* importance, IQ1_S::Block& block) {
    const GridBlock<ShiftedRuns> best({}, kIq1Parts, 1, src, importance);
    block.d = best.d();
    for (int run = 0; run < 8; ++run) {
      unsigned high = unsigned(best.scale[run]) << 12;
      for (int u = 0; u < 4; ++u) {
        const GridCode& code = best.code[4 * run + u];
        block.qs[4 * run + u] = std::uint8_t(code.entry[0]);
        high |= unsigned(code.entry[0] >> 8) << (3 * u) | (code.less ? 0x8000u : 0u);
      }
      block.qh[run] = std::uint16_t(high);
    }
  }
};

template <>
struct Encoder<IQ1_M> {
  static void encode(const float* src, const float* importance, IQ1_M::Block& block) {
    const GridBlock<ShiftedUnits> best({}, kIq1Parts, 1, src, importance);
    for (int u = 0; u < 32; ++u) {
      const GridCode& code = best.code[u];
      const unsigned high = unsigned(code.entry[0] >> 8) | (code.less ? 8u : 0u);
      block.qs[u] = std::uint8_t(code.entry[0]);
      block.qh[u / 2] = std::uint8_t(block.qh[u / 2] | high << (4 * (u % 2)));
    }
    const unsigned d = best.d();
    for (int i = 0; i < 4; ++i) {
      unsigned word = (d >> (4 * i) & 15) << 12;
      for (int k = 0; k < 4; ++k) word |= unsigned(best.scale[4 * i + k]) << (3 * k);
      block.scales[i] = std::uint16_t(word);
    }
  }
};

}  // namespace
}  // namespace LONGHAND_UNIT
}  // namespace longhand
