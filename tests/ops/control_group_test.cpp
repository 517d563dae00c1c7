// Limits in trees of control groups as systemd, container and batch systems make them.
#include "ops/host/control_group.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace longhand {
namespace {

constexpr std::uint64_t kMiB = 1 << 20, kUnlimited = std::numeric_limits<std::uint64_t>::max();

// A machine's /proc and /sys in a folder.
class ControlGroups : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& content) {
    const std::filesystem::path file = dir_.file(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content << "\n";
  }
  void mount_v2(const std::string& root = "/") {
    put("proc/self/mountinfo",
        "22 1 0:20 / /proc rw - proc proc rw\n"
        "33 22 0:29 " +
            root + " /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate");
  }
  void mount_v1(const std::string& root = "/") {
    put("proc/self/mountinfo",
        "33 22 0:29 " + root +
            " /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
            "34 22 0:30 " +
            root +
            " /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
            "35 22 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd");
  }
  GroupLimits limits() const { return group_limits(dir_.path().string()); }

  const test::TempDir dir_;
};

TEST_F(ControlGroups, NoneLimitNothing) {
  EXPECT_EQ(limits().memory, kUnlimited);
  EXPECT_EQ(limits().cpus, 0);
  mount_v2();
  put("proc/self/cgroup", "0::/");
  EXPECT_EQ(limits().memory, kUnlimited);
  put("proc/self/cgroup", "nonsense\n:\n::::");
  put("proc/self/mountinfo", "nonsense\n\n- - -");
  EXPECT_EQ(limits().memory, kUnlimited);
}

TEST_F(ControlGroups, AServiceHasItsOwnLimits) {
  mount_v2();
  const std::string folder = "sys/fs/cgroup/system.slice/run-r1.service/";
  put("proc/self/cgroup", "0::/system.slice/run-r1.service");
  put(folder + "memory.max", "419430400");
  put(folder + "memory.current", "104857600");
  put(folder + "memory.stat", "anon 52428800\ninactive_file 20971520\nactive_file 31457280");
  put(folder + "cpu.max", "100000 100000");
  EXPECT_EQ(limits().memory, 350 * kMiB);
  EXPECT_EQ(limits().cpus, 1);
  put(folder + "cpu.max", "150000 100000");
  EXPECT_EQ(limits().cpus, 2);
  put(folder + "memory.max", "max");
  put(folder + "cpu.max", "max 100000");
  EXPECT_EQ(limits().memory, kUnlimited);
  EXPECT_EQ(limits().cpus, 0);
  put(folder + "memory.high", "209715200");
  EXPECT_EQ(limits().memory, 150 * kMiB);
}

TEST_F(ControlGroups, TheTightestGroupAboveCounts) {
  mount_v2();
  put("proc/self/cgroup", "0::/a/b/c");
  put("sys/fs/cgroup/a/b/c/memory.max", "max");
  put("sys/fs/cgroup/a/b/memory.max", "838860800");
  put("sys/fs/cgroup/a/b/memory.current", "0");
  put("sys/fs/cgroup/a/memory.max", "943718400");
  put("sys/fs/cgroup/a/memory.current", "838860800");
  put("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000");
  put("sys/fs/cgroup/a/cpu.max", "200000 100000");
  EXPECT_EQ(limits().memory, 100 * kMiB);
  EXPECT_EQ(limits().cpus, 2);
  put("sys/fs/cgroup/a/memory.current", "943718401");
  EXPECT_EQ(limits().memory, 1u);
}

TEST_F(ControlGroups, AContainerThatSeesItsGroupAsTheRoot) {
  mount_v2();
  put("proc/self/cgroup", "0::/");
  put("sys/fs/cgroup/memory.max", "104857600");
  put("sys/fs/cgroup/cpu.max", "100000 100000");
  EXPECT_EQ(limits().memory, 100 * kMiB);
  EXPECT_EQ(limits().cpus, 1);
  put("proc/self/cgroup", "0::/../other");  // moved out of what it sees
  EXPECT_EQ(limits().memory, 100 * kMiB);
}

TEST_F(ControlGroups, AContainerWithTheNamesOfItsHost) {
  put("proc/self/cgroup", "0::/docker/1234/inner");
  for (const bool whole_tree : {true, false}) {
    mount_v2(whole_tree ? "/" : "/docker/1234");
    const std::string folder = whole_tree ? "sys/fs/cgroup/docker/1234/" : "sys/fs/cgroup/";
    put(folder + "memory.max", "104857600");
    put(folder + "inner/cpu.max", "100000 100000");
    EXPECT_EQ(limits().memory, 100 * kMiB) << whole_tree;
    EXPECT_EQ(limits().cpus, 1) << whole_tree;
  }
}

// Slurm limits the job, and starts the program in a task of a step of it.
TEST_F(ControlGroups, VersionOne) {
  mount_v1();
  put("proc/self/cgroup",
      "9:memory:/slurm/uid_1000/job_7/step_0/task_0\n4:cpu,cpuacct:/slurm/uid_1000/job_7\n"
      "1:name=systemd:/system.slice");
  const std::string job = "sys/fs/cgroup/memory/slurm/uid_1000/job_7/";
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  put(job + "step_0/task_0/memory.limit_in_bytes", "9223372036854771712");
  put(job + "memory.limit_in_bytes", "419430400");
  put(job + "memory.usage_in_bytes", "209715200");
  put(job + "memory.stat", "total_active_file 104857600\ntotal_inactive_file 0");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  put("sys/fs/cgroup/cpu,cpuacct/slurm/uid_1000/cpu.cfs_quota_us", "300000");
  put("sys/fs/cgroup/cpu,cpuacct/slurm/uid_1000/cpu.cfs_period_us", "100000");
  EXPECT_EQ(limits().memory, 300 * kMiB);
  EXPECT_EQ(limits().cpus, 3);
}

TEST_F(ControlGroups, VersionOneInAContainerWithTheNamesOfItsHost) {
  mount_v1("/docker/1234");
  put("proc/self/cgroup", "9:memory:/docker/1234\n4:cpu,cpuacct:/docker/1234");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "104857600");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  EXPECT_EQ(limits().memory, 100 * kMiB);
  EXPECT_EQ(limits().cpus, 1);
}

}  // namespace
}  // namespace longhand
