// What the system tells of its CPUs, in a made-up tree: a machine of fast and slow cores, and one of two
// nodes.
#include "ops/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/error_code.h"
#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TopologyTest : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path file = dir_.path() / std::filesystem::path("sys/devices/" + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << '\n';
  }
  void cpu(int id, const std::string& siblings, const std::string& file, const std::string& speed) {
    const std::string at = "system/cpu/cpu" + std::to_string(id) + "/";
    put(at + "topology/thread_siblings_list", siblings);
    put(at + file, speed);
  }
  // Two fast cores of two threads each, four slow ones of one.
  void hybrid() {
    for (const int id : {0, 1, 2, 3}) cpu(id, id < 2 ? "0-1" : "2-3", "cpufreq/cpuinfo_max_freq", "5000000");
    for (const int id : {4, 5, 6, 7}) cpu(id, std::to_string(id), "cpufreq/cpuinfo_max_freq", "4000000");
    put("cpu_atom/cpus", "4-7");
  }
  std::string root() const { return dir_.path().string(); }

 private:
  test::TempDir dir_;
};

std::vector<double> speeds(const std::vector<Cpu>& cpus) {
  std::vector<double> list;
  for (const Cpu& cpu : cpus) list.push_back(cpu.speed);
  return list;
}

TEST_F(TopologyTest, SlowCoresAreKnownByClockAndKind) {
  hybrid();
  const auto cpus = usable_cpus(root(), {7, 0, 1, 2, 3, 4});
  EXPECT_THAT(speeds(cpus),
              ElementsAre(1, 1, 1, 1, testing::DoubleNear(0.48, 1e-9), testing::DoubleNear(0.48, 1e-9)));
  EXPECT_EQ(cpus[1].core, 0);
  EXPECT_EQ(cpus[3].core, 2);
  EXPECT_EQ(cpus[5].id, 7);
  EXPECT_EQ(cpu_sets_text(one_each(cpus)), "0/2/4/7/1/3");
  EXPECT_THAT(worker_speeds(one_each(cpus), cpus, 4), ElementsAre(1, 1, cpus[4].speed, cpus[4].speed));
  // One that may run on either is taken for a slow one.
  EXPECT_THAT(worker_speeds({{0, 7}}, cpus, 2), ElementsAre(cpus[4].speed, cpus[4].speed));
}

TEST_F(TopologyTest, CapacityIsBelievedFirst) {
  cpu(0, "0", "cpu_capacity", "400");
  cpu(1, "1", "cpu_capacity", "1024");
  cpu(2, "2", "cpu_capacity", "950");  // of the same kind
  EXPECT_THAT(speeds(usable_cpus(root(), {0, 1, 2})), ElementsAre(400 / 1024.0, 1, 1));
}

TEST_F(TopologyTest, NodesOfMemory) {
  put("system/node/online", "0-1");
  put("system/node/node0/cpulist", "0,2");
  put("system/node/node1/cpulist", "1,3");
  EXPECT_EQ(cpu_sets_text(by_node(usable_cpus(root(), {0, 1, 2, 3}))), "0,2/1,3");
}

TEST_F(TopologyTest, WhatTheSystemDoesNotTellIsAlike) {
  const auto cpus = usable_cpus(root(), {3, 5});
  ASSERT_EQ(cpus.size(), 2u);
  for (const Cpu& cpu : cpus) {
    EXPECT_EQ(cpu.core, cpu.id);
    EXPECT_EQ(cpu.node, 0);
    EXPECT_EQ(cpu.speed, 1);
  }
}

TEST(CpuLists, AreReadAndWritten) {
  EXPECT_THAT(parse_cpu_list("0-2,5"), ElementsAre(0, 1, 2, 5));
  for (const char* bad : {"", "a", "1-", "3-1", "1,", ",1", "-1", "1 2", "0-99999999", "1;2"})
    EXPECT_THAT(parse_cpu_list(bad), IsEmpty()) << bad;
  const std::vector<Cpu> cpus = {{0, 0, 0, 1}, {1, 1, 0, 1}, {5, 5, 0, 1}};
  EXPECT_EQ(cpu_sets_text(parse_cpu_sets("0-1,5/1", cpus)), "0-1,5/1");
  EXPECT_TRUE(parse_cpu_sets("", cpus).empty());
  for (const char* bad : {"/", "0/", "/0", "x", "0//1", "0-2", "7"}) {
    EXPECT_EQ(test::code_of([&] { parse_cpu_sets(bad, cpus); }), Errc::range) << bad;
  }
  try {
    parse_cpu_sets("1/7", cpus);
  } catch (const Error& e) { EXPECT_THAT(e.what(), AllOf(HasSubstr("CPU 7"), HasSubstr("0-1,5"))); }
}

}  // namespace
}  // namespace longhand
