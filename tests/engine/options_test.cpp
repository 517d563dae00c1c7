#include "engine/types/options.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "engine/longhand.h"
#include "tests/support/error_code.h"

namespace longhand {
namespace {

using test::code_of;
using testing::HasSubstr;
using testing::StartsWith;

// visit(row, default) for every row of every table.
template <class Visit>
void every_option(const Visit& visit) {
  each_option(kLoadOptions, LoadOptions(), visit);
  each_session_option(SessionOptions(), visit);
  each_option(kSamplerOptions, SamplerOptions(), visit);
  each_option(kSpeculationOptions, SpeculationOptions(), visit);
}

TEST(Options, DefaultsAreAllowed) {
  every_option([](const auto& row, const auto& value) {
    EXPECT_NO_THROW(check_option(row, value)) << row.name;
    EXPECT_FALSE(row.help.empty()) << row.name;
  });
}

TEST(Options, StandOnceInTheTables) {
  std::set<std::string_view> names;
  each_option(kLoadOptions, LoadOptions(), [&](const auto& row, const auto&) { names.insert(row.name); });
  EXPECT_EQ(names.size(), std::tuple_size_v<decltype(kLoadOptions)>);
  names.clear();
  each_session_option(SessionOptions(), [&](const auto& row, const auto&) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  });
  each_option(kSamplerOptions, SamplerOptions(), [&](const auto& row, const auto&) {
    EXPECT_THAT(std::string(row.name), StartsWith("sampler."));
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  });
}

// Just within and just outside of its range, each number is taken and refused by name.
TEST(Options, NumbersOutOfRangeAreRefusedByName) {
  int numbers = 0;
  every_option([&]<class Options, class Value>(const Option<Options, Value>& row, const Value&) {
    if constexpr (std::is_same_v<Value, int> || std::is_same_v<Value, float>) {
      ++numbers;
      const auto refused = [&](double number) {
        if (double(Value(number)) != number) return;  // beyond the type
        std::string message;
        EXPECT_EQ(code_of([&] { check_option(row, Value(number)); }, &message), Errc::range) << number;
        EXPECT_THAT(message, StartsWith(std::string(row.name) + " is ")) << number;
      };
      EXPECT_NO_THROW(check_option(row, Value(row.range.most))) << row.name;
      if (std::is_same_v<Value, float>) refused(2 * row.range.most);
      if (std::is_same_v<Value, int> && row.range.most < 2147483647) refused(row.range.most + 1);
      if (row.range.above_least) refused(row.range.least);
      if (row.range.or_negative) { EXPECT_NO_THROW(check_option(row, Value(-1))) << row.name; }
      if (!row.range.or_negative && row.range.least > -2147483648.0) refused(row.range.least - 1);
      if constexpr (std::is_same_v<Value, float>) {
        EXPECT_THROW(check_option(row, std::nanf("")), Error) << row.name;
        EXPECT_THROW(check_option(row, INFINITY), Error) << row.name;
      }
    }
  });
  EXPECT_GT(numbers, 30);
}

TEST(Options, MessagesNameValueAndRule) {
  std::string message;
  code_of([] { check_option(find_option(kSessionOptions, &SessionOptions::batch), 0); }, &message);
  EXPECT_EQ(message, "batch is 0, must be 1..8192 [E_RANGE]");
  code_of([] { check_option(find_option(kRopeOptions, &RopeOptions::factor), 0.0f); }, &message);
  EXPECT_EQ(message, "rope.factor is 0, must be above 0, at most 1000000 [E_RANGE]");
  code_of([] { check_option(find_option(kSessionOptions, &SessionOptions::key_cache), CacheType(9)); },
          &message);
  EXPECT_EQ(message, "key_cache is 9, must be 0..8 [E_RANGE]");
}

TEST(Options, EnumeratorsHaveNames) {
  EXPECT_EQ(option_text(CacheType::q8_0), "q8_0");
  EXPECT_EQ(option_text(RopeScaling::from_file), "from-file");
  EXPECT_EQ(option_text(RopeScaling::yarn), "yarn");
  EXPECT_EQ(option_text(RopeScaling(7)), "7");
}

}  // namespace
}  // namespace longhand
