// Rows that lie interleaved in a file are taken apart to the bytes they had before.
#include "ops/interleaved.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <vector>

#include "ops/panels.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

std::vector<int> interleaved_formats() {
  std::vector<int> ids;
  for (int id = 0; id < kFormatCount; ++id) {
    if (interleaved_rows(FormatId(id)) > 0) ids.push_back(id);
  }
  return ids;
}

std::string format_name(const testing::TestParamInfo<int>& info) {
  return format_info(FormatId(info.param)).name;
}

// The reference data of a type: two groups of rows of two blocks, one row after the other and then
// interleaved. Of IQ1_S, which has another size then, there are the interleaved rows and what they decode to.
class InterleavedRows : public testing::TestWithParam<int> {
 protected:
  static constexpr int kBlocks = 2;
  const FormatId id = FormatId(GetParam());
  const FormatInfo& info = format_info(id);
  const std::int32_t rows = 2 * interleaved_rows(id), cols = kBlocks * std::int32_t(info.block_elements);
  const std::vector<std::byte> bytes =
      test::read_bytes(test::golden(fmt::format("quants/{}_R{}.bin", info.name, interleaved_rows(id))));

  std::size_t plain_bytes() const {
    return id == FormatId(find_format(IQ1_S::info.gguf)) ? 0 : row_bytes(id, cols) * std::size_t(rows);
  }
  MatView interleaved() const { return {id, Layout::interleaved, rows, cols, bytes.data() + plain_bytes()}; }
  MatView plain() const { return {id, Layout::rows, rows, cols, bytes.data()}; }

  void SetUp() override {
    ASSERT_EQ(bytes.size(), plain_bytes() + std::size_t(rows) * interleaved_row_bytes(id, cols));
  }
};

TEST_P(InterleavedRows, AreThoseTheyWere) {
  if (plain_bytes() == 0) return;
  const std::size_t row = row_bytes(id, cols);
  for (std::int32_t r = 0; r < rows; ++r) {
    std::vector<std::byte> got(row);
    take_head(interleaved(), r, got.data());
    for (int b = 0; b < kBlocks; ++b)
      take_block(interleaved(), r, b, got.data() + info.row_head + std::size_t(b) * info.block_bytes);
    EXPECT_EQ(std::memcmp(got.data(), bytes.data() + std::size_t(r) * row, row), 0) << "row " << r;
  }
}

TEST_P(InterleavedRows, MakeTheSamePanels) {
  if (plain_bytes() == 0) return;
  std::vector<std::byte> want(panels_bytes(id, rows, cols)), got(want.size());
  for (int p = 0; p < panel_count(rows); ++p) {
    interleave_panel(plain(), p, want.data() + std::size_t(p) * panel_bytes(id, cols));
    interleave_panel(interleaved(), p, got.data() + std::size_t(p) * panel_bytes(id, cols));
  }
  EXPECT_EQ(got, want);
}

TEST_P(InterleavedRows, DecodeToTheSameNumbers) {
  const auto n = std::size_t(cols);
  std::vector<float> want(n), got(n), reference;
  if (plain_bytes() == 0) reference = test::read_floats(test::golden("quants/IQ1_S_R4.f32"));
  for (std::int32_t r = 0; r < rows; ++r) {
    decode_row(interleaved(), r, got.data());
    if (plain_bytes() > 0) {
      decode_row(plain(), r, want.data());
    } else {
      std::memcpy(want.data(), reference.data() + std::size_t(r) * n, n * sizeof(float));
    }
    EXPECT_EQ(std::memcmp(got.data(), want.data(), n * sizeof(float)), 0) << "row " << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, InterleavedRows, testing::ValuesIn(interleaved_formats()), format_name);

TEST(InterleavedTypes, AreFoundByTheirNumbers) {
  EXPECT_EQ(interleaved_formats().size(), 23u);
  EXPECT_EQ(find_interleaved(339), find_format(IQ4_K::info.gguf));
  EXPECT_EQ(find_interleaved(202), find_format(Q4_0::info.gguf));
  EXPECT_EQ(find_interleaved(IQ4_K::info.gguf), -1);
  EXPECT_EQ(find_interleaved(0), -1);
}

}  // namespace
}  // namespace longhand
