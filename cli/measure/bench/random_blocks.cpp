#include "cli/measure/bench/random_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/format.h"

namespace longhand::cli {
namespace {

/// Which bits of a block are random, and what the others are.
class Pattern {
 public:
  explicit Pattern(std::size_t block_bytes) : keep(block_bytes, 0xFF), set(block_bytes, 0) {}

  /// The integer at byte `offset` keeps the random bits in `random_bits`; the others are those of `value`.
  template <class T>
  void fix(std::size_t offset, T value, T random_bits = 0) {
    std::memcpy(keep.data() + offset, &random_bits, sizeof value);
    std::memcpy(set.data() + offset, &value, sizeof value);
  }
  void half(std::size_t offset, float value) { fix(offset, f32_to_f16(value)); }

  std::vector<std::uint8_t> keep, set;
};

int power_near(float scale) { return int(std::lround(std::log2(scale))); }

/// Sets the scale of a pattern to `d`, and a minimum so that the mean is 0.
struct Recipe {
  const FormatInfo* type;
  void (*set_scale)(Pattern& p, float d);
};

// A minimum balances the mean of codes of n bits, (2^n - 1) / 2. In the types of 256 weights it has a random
// factor of its own, distributed as that of the scale.
constexpr Recipe kRecipes[] = {
    // Floats: random sign and fraction, one exponent.
    {&F32::info,
     [](Pattern& p, float d) { p.fix(0, std::uint32_t(127 + power_near(d)) << 23, 0x807FFFFFu); }},
    {&F16::info,
     [](Pattern& p, float d) {
       p.fix(0, std::uint16_t((15 + std::max(-14, power_near(d))) << 10), std::uint16_t{0x83FF});
     }},
    {&BF16::info,
     [](Pattern& p, float d) { p.fix(0, std::uint16_t((127 + power_near(d)) << 7), std::uint16_t{0x807F}); }},
    {&Q4_0::info, [](Pattern& p, float d) { p.half(offsetof(Q4_0::Block, d), d); }},
    {&Q4_1::info,
     [](Pattern& p, float d) {
       p.half(offsetof(Q4_1::Block, d), d);
       p.half(offsetof(Q4_1::Block, m), -7.5f * d);
     }},
    {&Q5_0::info, [](Pattern& p, float d) { p.half(offsetof(Q5_0::Block, d), d); }},
    {&Q5_1::info,
     [](Pattern& p, float d) {
       p.half(offsetof(Q5_1::Block, d), d);
       p.half(offsetof(Q5_1::Block, m), -15.5f * d);
     }},
    // Odd codes only: -128 is the one byte no quantizer writes.
    {&Q8_0::info,
     [](Pattern& p, float d) {
       p.half(offsetof(Q8_0::Block, d), d);
       for (std::size_t j = 0; j < 32; ++j) p.fix<std::uint8_t>(offsetof(Q8_0::Block, qs) + j, 1, 0xFE);
     }},
    {&Q2_K::info,
     [](Pattern& p, float d) {
       p.half(offsetof(Q2_K::Block, d), d);
       p.half(offsetof(Q2_K::Block, dmin), 1.5f * d);
     }},
    {&Q3_K::info, [](Pattern& p, float d) { p.half(offsetof(Q3_K::Block, d), d); }},
    {&Q4_K::info,
     [](Pattern& p, float d) {
       p.half(offsetof(Q4_K::Block, d), d);
       p.half(offsetof(Q4_K::Block, dmin), 7.5f * d);
     }},
    {&Q5_K::info,
     [](Pattern& p, float d) {
       p.half(offsetof(Q5_K::Block, d), d);
       p.half(offsetof(Q5_K::Block, dmin), 15.5f * d);
     }},
    {&Q6_K::info, [](Pattern& p, float d) { p.half(offsetof(Q6_K::Block, d), d); }},
    {&IQ4_NL::info, [](Pattern& p, float d) { p.half(offsetof(IQ4_NL::Block, d), d); }},
    {&IQ4_XS::info, [](Pattern& p, float d) { p.half(offsetof(IQ4_XS::Block, d), d); }},
    {&MXFP4::info,
     [](Pattern& p, float d) { p.fix(offsetof(MXFP4::Block, e), std::uint8_t(128 + power_near(d))); }},
    {&IQ1_S::info, [](Pattern& p, float d) { p.half(offsetof(IQ1_S::Block, d), d); }},
    // The four bits of d in each of the words of scales.
    {&IQ1_M::info,
     [](Pattern& p, float d) {
       const std::uint16_t bits = f32_to_f16(d);
       for (std::size_t i = 0; i < 4; ++i)
         p.fix(offsetof(IQ1_M::Block, scales) + 2 * i, std::uint16_t(bits >> (4 * i) << 12),
               std::uint16_t{0x0FFF});
     }},
    {&IQ2_XXS::info, [](Pattern& p, float d) { p.half(offsetof(IQ2_XXS::Block, d), d); }},
    {&IQ2_XS::info, [](Pattern& p, float d) { p.half(offsetof(IQ2_XS::Block, d), d); }},
    {&IQ2_S::info, [](Pattern& p, float d) { p.half(offsetof(IQ2_S::Block, d), d); }},
    {&IQ3_XXS::info, [](Pattern& p, float d) { p.half(offsetof(IQ3_XXS::Block, d), d); }},
    {&IQ3_S::info, [](Pattern& p, float d) { p.half(offsetof(IQ3_S::Block, d), d); }},
    {&TQ1_0::info, [](Pattern& p, float d) { p.half(offsetof(TQ1_0::Block, d), d); }},
    // Codes 0 and 2 only: those of all four values, -1 to 2, have no mean of 0.
    {&TQ2_0::info,
     [](Pattern& p, float d) {
       p.half(offsetof(TQ2_0::Block, d), d);
       for (std::size_t j = 0; j < 64; ++j) p.fix<std::uint8_t>(offsetof(TQ2_0::Block, qs) + j, 0, 0xAA);
     }},
    {&Q1_0::info, [](Pattern& p, float d) { p.half(offsetof(Q1_0::Block, d), d); }},
    {&Q2_0::info,
     [](Pattern& p, float d) {
       p.half(offsetof(Q2_0::Block, d), d);
       for (std::size_t j = 0; j < 16; ++j) p.fix<std::uint8_t>(offsetof(Q2_0::Block, qs) + j, 0, 0xAA);
     }},
    // One exponent of scales, which have 4 bits for it, and any fraction.
    {&NVFP4::info,
     [](Pattern& p, float d) {
       const auto exponent = std::uint8_t(std::clamp(7 + power_near(d), 0, 14) << 3);
       for (std::size_t i = 0; i < 4; ++i) p.fix(offsetof(NVFP4::Block, d) + i, exponent, std::uint8_t{7});
     }},
    {&IQ2_K::info, [](Pattern& p, float d) { p.half(offsetof(IQ2_K::Block, d), d); }},
    {&IQ3_K::info, [](Pattern& p, float d) { p.half(offsetof(IQ3_K::Block, d), d); }},
    {&IQ4_K::info, [](Pattern& p, float d) { p.half(offsetof(IQ4_K::Block, d), d); }},
    {&IQ5_K::info, [](Pattern& p, float d) { p.half(offsetof(IQ5_K::Block, d), d); }},
    {&IQ6_K::info, [](Pattern& p, float d) { p.half(offsetof(IQ6_K::Block, d), d); }},
};
// A format whose rows begin with a scale has none in its blocks.
constexpr auto kHeads = Formats::map([]<class F>() -> bool { return F::info.row_head > 0; });
static_assert(std::size(kRecipes) + std::size_t(std::ranges::count(kHeads.items, true)) ==
              std::size_t{kFormatCount});

double measured_rms(const FormatInfo& type, const RandomBlocks& blocks) {
  constexpr std::size_t kWeights = 1 << 14;
  const std::size_t count = kWeights / type.block_elements;
  std::vector<std::byte> bytes(count * type.block_bytes);
  Random random(1);
  blocks.fill(bytes, random);
  std::vector<float> weights(kWeights);
  decode_blocks(FormatId(find_format(type.gguf)), bytes.data(), std::int64_t(count), weights.data());
  double squares = 0;
  for (const float w : weights) squares += double{w} * double{w};
  return std::sqrt(squares / kWeights);
}

constexpr std::size_t kBlocksPerPattern = 8;

}  // namespace

RandomBlocks::RandomBlocks(const FormatInfo& type, float rms) {
  const auto* recipe = std::ranges::find(kRecipes, &type, &Recipe::type);
  Pattern pattern(type.block_bytes);
  const auto use_scale = [&](float d) {
    recipe->set_scale(pattern, d);
    words_.assign(type.block_bytes, {});
    for (std::size_t i = 0; i < kBlocksPerPattern * type.block_bytes; ++i) {
      const std::size_t shift = i % 8 * 8, at = i % type.block_bytes;
      words_[i / 8].keep &= ~(std::uint64_t(0xFF & ~pattern.keep[at]) << shift);
      words_[i / 8].set |= std::uint64_t{pattern.set[at]} << shift;
    }
  };
  use_scale(1);  // a first try tells how the weights spread
  use_scale(float(rms / measured_rms(type, *this)));
}

void RandomBlocks::fill(std::span<std::byte> out, Random& random) const {
  std::byte* at = out.data();
  std::size_t left = out.size();
  while (left > 0) {
    for (const Word& word : words_) {
      const std::uint64_t bits = (random.next() & word.keep) | word.set;
      const std::size_t n = std::min(left, sizeof bits);
      std::memcpy(at, &bits, n);
      at += n;
      left -= n;
      if (left == 0) break;
    }
  }
}

}  // namespace longhand::cli
