#include "cli/measure/bench/number_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_code.h"

namespace longhand::cli {
namespace {

using test::code_of;
using testing::ElementsAre;
using testing::Pair;

TEST(NumberList, TakesNumbersAndRanges) {
  EXPECT_THAT(parse_numbers("8", 0, 100), ElementsAre(8));
  EXPECT_THAT(parse_numbers("1-4", 0, 100), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(parse_numbers("3-3", 0, 100), ElementsAre(3));
  EXPECT_THAT(parse_numbers("0-100+40", 0, 100), ElementsAre(0, 40, 80));
  EXPECT_THAT(parse_numbers("8-64*2", 0, 100), ElementsAre(8, 16, 32, 64));
  EXPECT_THAT(parse_numbers("1-2147483647*2147483647", 0, 2147483647), ElementsAre(1, 2147483647));
}

TEST(NumberList, RefusesTheRest) {
  for (const char* text : {"", "-1", "x", "1-", "4-1", "1-4+0", "1-4*1", "0-4*2", "1-4+", "1-4x", "1 ", "101",
                           "99999999999", "1--4", "0-4096", "1-4+-1"}) {
    EXPECT_EQ(code_of([&] { parse_numbers(text, 0, text[0] == '0' ? 4096 : 100); }), Errc::range) << text;
  }
}

TEST(NumberList, TakesPairs) {
  EXPECT_THAT(parse_pair("512,128", 1000), Pair(512, 128));
  for (const char* text : {"", "512", "512,", "0,1", "1,0", "1,2,3", "1001,1", "1-2,3"})
    EXPECT_EQ(code_of([&] { parse_pair(text, 1000); }), Errc::range) << text;
}

}  // namespace
}  // namespace longhand::cli
