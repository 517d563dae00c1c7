#include "cli/measure/thread_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "ops/host/machine.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using cli::best_thread_counts;
using cli::ThreadCounts;

bool usable(const ThreadCounts& counts) {
  const int most = 2 * usable_cores();
  return counts.decode >= 1 && counts.decode <= most && counts.prefill >= 1 && counts.prefill <= most;
}

TEST(ThreadCounts, AreMeasuredOnceAndThenRemembered) {
  const TempDir dir;
  const std::string path = dir.file("state/threads.json");
  EXPECT_TRUE(usable(best_thread_counts(path)));

  // Counts that no measurement gives show that the second call reads the file.
  auto kept = nlohmann::ordered_json::parse(read_text(path));
  ASSERT_EQ(kept.size(), 1u);
  kept.begin().value() = {{"decode", 77}, {"prefill", 99}};
  kept["another machine"] = {{"decode", 3}, {"prefill", 5}};
  std::ofstream(path) << kept.dump();
  const ThreadCounts again = best_thread_counts(path);
  EXPECT_EQ(again.decode, 77);
  EXPECT_EQ(again.prefill, 99);

  // What cannot be used is measured again, and what belongs to other machines stays.
  kept.begin().value() = {{"decode", 0}, {"prefill", "many"}};
  std::ofstream(path) << kept.dump();
  EXPECT_TRUE(usable(best_thread_counts(path)));
  kept = nlohmann::ordered_json::parse(read_text(path));
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept["another machine"]["prefill"], 5);
}

TEST(ThreadCounts, AFileThatIsNoJsonOrCannotBeWrittenDoesNotMatter) {
  const TempDir dir;
  const std::string path = dir.file("threads.json");
  std::ofstream(path) << "not json";
  EXPECT_TRUE(usable(best_thread_counts(path)));
  EXPECT_TRUE(nlohmann::json::accept(read_text(path)));
  EXPECT_TRUE(usable(best_thread_counts("/proc/nowhere/threads.json")));
}

}  // namespace
}  // namespace longhand::test
