#include "cli/terminal/units.h"

#include <gtest/gtest.h>

namespace longhand::cli {
namespace {

TEST(Units, BytesInPowersOf1024) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.00 KiB");
  EXPECT_EQ(format_bytes(5 * 1024 * 1024 + 512 * 1024), "5.50 MiB");
  EXPECT_EQ(format_bytes(~std::uint64_t{0}), "16777216.00 TiB");
}

TEST(Units, CountsInPowersOf1000) {
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(6689024), "6.69 M");
  EXPECT_EQ(format_count(8030000000), "8.03 B");
}

}  // namespace
}  // namespace longhand::cli
