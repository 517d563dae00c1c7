#include "cli/terminal/units.h"

#include <gtest/gtest.h>

#include "ops/error.h"

namespace longhand::cli {
namespace {

TEST(Units, BytesInPowersOf1024) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.00 KiB");
  EXPECT_EQ(format_bytes(5 * 1024 * 1024 + 512 * 1024), "5.50 MiB");
  EXPECT_EQ(format_bytes(~std::uint64_t{0}), "16777216.00 TiB");
}

TEST(Units, SizesAreReadAsTheyAreWritten) {
  EXPECT_EQ(parse_bytes("1000"), 1000u);
  EXPECT_EQ(parse_bytes("2G"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_bytes("5.50 MiB"), 5 * 1024 * 1024 + 512 * 1024u);
  EXPECT_EQ(parse_bytes("3kB"), 3000u);
  EXPECT_EQ(parse_bytes("4b"), 4u);
  for (const char* wrong : {"", "G", "-1", "1X", "1iB", "1GG", "nan", "inf", "1e300"})
    EXPECT_THROW(parse_bytes(wrong), Error) << wrong;
}

TEST(Units, CountsInPowersOf1000) {
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(6689024), "6.69 M");
  EXPECT_EQ(format_count(8030000000), "8.03 B");
}

}  // namespace
}  // namespace longhand::cli
