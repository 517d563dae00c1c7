#include "ops/host/omp_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_code.h"

namespace longhand {
namespace {

using test::code_of;
using testing::ElementsAre;
using testing::HasSubstr;

// Two processors of two cores with two threads each: 0 and 4 are one core.
std::vector<Cpu> eight() {
  std::vector<Cpu> cpus;
  for (int i = 0; i < 8; ++i) cpus.push_back({i, i % 4, i % 4 / 2, 1});
  return cpus;
}
using Place = std::vector<int>;
CpuSets places(std::string_view text) { return parse_omp_places(text, eight()); }

TEST(OmpPlaces, AbstractNames) {
  EXPECT_EQ(places("threads").size(), 8u);
  EXPECT_THAT(places("cores"), ElementsAre(Place{0, 4}, Place{1, 5}, Place{2, 6}, Place{3, 7}));
  EXPECT_THAT(places("sockets"), ElementsAre(Place{0, 1, 4, 5}, Place{2, 3, 6, 7}));
  EXPECT_THAT(places(" cores(2) "), ElementsAre(Place{0, 4}, Place{1, 5}));
  EXPECT_EQ(places("threads(100)").size(), 8u);
}

TEST(OmpPlaces, Lists) {
  EXPECT_THAT(places("{0:4},{4}"), ElementsAre(Place{0, 1, 2, 3}, Place{4}));
  EXPECT_THAT(places("{0,4},{1,5}"), ElementsAre(Place{0, 4}, Place{1, 5}));
  EXPECT_THAT(places("{0:2:4}:3"), ElementsAre(Place{0, 4}, Place{1, 5}, Place{2, 6}));
  EXPECT_THAT(places("{6:2} : 3 : -2"), ElementsAre(Place{6, 7}, Place{4, 5}, Place{2, 3}));
  // CPUs of others are left out.
  EXPECT_THAT(places("{7,8},{9},{3}"), ElementsAre(Place{7}, Place{3}));
}

TEST(OmpPlaces, RefusesOthers) {
  for (const char* text :
       {"", "nodes", "cores(", "cores(0)", "cores(x)", "cores,threads", "{", "{}", "{0", "{0},", "{0:0}",
        "{-1}", "{0}x", "{0}:2000", "{99999999999}", "!{0}", "{8},{9}", "0,1"}) {
    std::string message;
    EXPECT_EQ(code_of([&] { places(text); }, &message), Errc::range) << text;
    EXPECT_THAT(message, HasSubstr("OMP_PLACES")) << text;
  }
}

}  // namespace
}  // namespace longhand
