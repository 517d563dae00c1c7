// Which CPUs the flags mean, on machines made up for it.
#include "cli/flags/placement_flags.h"

#include <gmock/gmock.h>

#include "ops/host/pinning.h"
#include "tests/support/error_code.h"
#include "tests/support/process.h"

namespace longhand::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Two nodes, each of two fast cores and a slow one.
std::vector<Cpu> two_nodes() {
  return {{0, 0, 0, 1}, {1, 1, 0, 1}, {2, 2, 0, 0.5}, {3, 3, 1, 1}, {4, 4, 1, 1}, {5, 5, 1, 0.5}};
}

TEST(Placement, MasksAndRanges) {
  EXPECT_THAT(parse_cpu_mask("0x15"), ElementsAre(0, 2, 4));
  EXPECT_THAT(parse_cpu_mask("F0"), ElementsAre(4, 5, 6, 7));
  for (const char* bad : {"", "0x", "0", "12g", "-1"}) EXPECT_THAT(parse_cpu_mask(bad), IsEmpty()) << bad;
}

TEST(Placement, WithoutWishesNothingMoves) {
  const Placement p = place({}, two_nodes(), 0);
  EXPECT_THAT(p.program, IsEmpty());
  EXPECT_THAT(p.workers, IsEmpty());
}

TEST(Placement, AMaskHoldsTheProgram) {
  const Placement p = place({.cpus = {1, 2, 4}}, two_nodes(), 0);
  EXPECT_THAT(p.program, ElementsAre(1, 2, 4));
  EXPECT_THAT(p.workers, IsEmpty());
  EXPECT_EQ(test::code_of([] { place({.cpus = {1, 9}}, two_nodes(), 0); }), Errc::range);
}

TEST(Placement, StrictGivesEachItsOwnFastOnesFirst) {
  EXPECT_EQ(cpu_sets_text(place({.one_each = true}, two_nodes(), 0).workers), "0/1/3/4/2/5");
  EXPECT_EQ(cpu_sets_text(place({.cpus = {2, 3}, .one_each = true}, two_nodes(), 0).workers), "3/2");
}

TEST(Placement, NodesAreSharedOrKeptTo) {
  EXPECT_EQ(cpu_sets_text(place({.by_node = true}, two_nodes(), 0).workers), "0-2/3-5");
  EXPECT_THAT(place({.one_node = true}, two_nodes(), 4).program, ElementsAre(3, 4, 5));
  EXPECT_EQ(cpu_sets_text(place({.one_each = true, .one_node = true}, two_nodes(), 4).workers), "3/4/5");
}

TEST(PlacementByProgram, ThreadsRunWhereTheyAreTold) {
  const std::string first = std::to_string(own_cpus().front());
  const auto chat = [](const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {LONGHAND_PROGRAM, "chat", "--temp", "0", "-t", "2"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return test::run_process(arguments, "What is the capital of Peru?\n");
  };
  for (const auto& flags : {std::vector<std::string>{"-Cr", first, "--cpu-strict", "1"},
                            {"--numa", "distribute"},
                            {"--numa", "isolate", "--prio", "-1"},
                            {"--cpus", first + "/" + first},
                            {"--poll", "50", "--cpu-strict-batch", "1"}}) {
    const auto result = chat(flags);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, "The capital of Peru is Lima.\n");
    EXPECT_THAT(result.err, Not(HasSubstr("--numa")));
  }
  EXPECT_THAT(chat({"--cpus", "60000"}).err, HasSubstr("CPU 60000"));
  EXPECT_EQ(chat({"--cpu-mask", "xyz"}).status, 2);
  EXPECT_EQ(chat({"--cpu-range", "60000"}).status, 1);
}

}  // namespace
}  // namespace longhand::cli
