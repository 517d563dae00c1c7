// Every tensor format decodes to the bits of the reference data, in both layouts.
#include "ops/format.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "ops/panels.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

class EveryFormat : public testing::TestWithParam<int> {
 protected:
  FormatId id() const { return FormatId(GetParam()); }
};

std::string name_of(const testing::TestParamInfo<int>& info) {
  return format_info(FormatId(info.param)).name;
}

TEST_P(EveryFormat, DecodesTheReferenceBlocksBitForBit) {
  const std::string raw_path = test::golden(std::string("quants/") + format_info(id()).name + ".bin");
  if (id() == kFormatF32 || format_info(id()).name == std::string("F16"))
    GTEST_SKIP() << "plain floats have no reference blocks";
  LONGHAND_NEED_GOLDEN(raw_path);
  const auto raw = test::read_bytes(raw_path);
  const auto want = test::read_floats(test::golden(std::string("quants/") + format_info(id()).name + ".f32"));
  std::vector<float> got(want.size());
  decode_blocks(id(), raw.data(), std::int64_t(want.size() / format_info(id()).block_elements), got.data());
  for (std::size_t i = 0; i < want.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(want[i])) << "weight " << i;
  }
}

TEST_P(EveryFormat, FieldsCoverTheBlock) {
  const FormatInfo& info = format_info(id());
  std::uint32_t next = 0;
  for (int f = 0; f < info.n_fields; ++f) {
    EXPECT_EQ(info.fields[f].offset, next);
    EXPECT_EQ(info.fields[f].bytes % info.fields[f].unit, 0);
    next += info.fields[f].bytes;
  }
  EXPECT_EQ(next, info.block_bytes);
  EXPECT_LE(info.block_bytes, 256u) << "decode_row keeps one block on the stack";
}

TEST_P(EveryFormat, RowsComeBackOutOfPanels) {
  constexpr int rows = 37, cols = 512;
  std::mt19937 random(7);
  std::vector<std::byte> bytes(row_bytes(id(), cols) * rows);
  for (auto& b : bytes) b = std::byte(random() & 0x3F);  // small exponents: all values finite
  const MatView plain{id(), Layout::rows, rows, cols, bytes.data()};
  std::vector<std::byte> panels(panels_bytes(id(), rows, cols));
  for (int p = 0; p < panel_count(rows); ++p)
    interleave_panel(plain, p, panels.data() + std::size_t(p) * panel_bytes(id(), cols));
  const MatView panelled{id(), Layout::panels, rows, cols, panels.data()};
  std::vector<float> want(cols), got(cols);
  for (int r = 0; r < rows; ++r) {
    decode_row(plain, r, want.data());
    decode_row(panelled, r, got.data());
    ASSERT_EQ(std::memcmp(want.data(), got.data(), cols * sizeof(float)), 0) << "row " << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, EveryFormat, testing::Range(0, kFormatCount), name_of);

TEST(Half, EveryValueSurvivesTheWayThroughFloat) {
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const float f = f16_to_f32(std::uint16_t(h));
    if (f != f) {
      EXPECT_NE(f16_to_f32(f32_to_f16(f)), f);
    } else {
      ASSERT_EQ(f32_to_f16(f), h);
    }
  }
}

TEST(Half, RoundsToTheNearestEven) {
  EXPECT_EQ(f32_to_f16(1.0f + 0x1p-11f), f32_to_f16(1.0f));  // a tie goes to the even neighbour
  EXPECT_EQ(f32_to_f16(1.0f + 3 * 0x1p-11f), f32_to_f16(1.0f + 0x1p-9f));
  EXPECT_EQ(f16_to_f32(f32_to_f16(65519.0f)), 65504.0f);
  EXPECT_EQ(f16_to_f32(f32_to_f16(65520.0f)), std::numeric_limits<float>::infinity());
  EXPECT_EQ(f16_to_f32(f32_to_f16(0x1p-25f)), 0.0f);
  EXPECT_EQ(f16_to_f32(f32_to_f16(0x1.8p-25f)), 0x1p-24f);
}

}  // namespace
}  // namespace longhand
