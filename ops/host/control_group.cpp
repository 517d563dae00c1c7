#include "ops/host/control_group.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "ops/host/small_files.h"

namespace longhand {
namespace {

// A line of /proc/self/mountinfo: the groups from `root` downwards, seen at the folder `point`.
struct Mount {
  std::string root, point, type, options;
};

// A line of /proc/self/cgroup. Version 2 has no controllers there: it has all of them in one tree.
struct Membership {
  std::string controllers, path;
};

// Is `name` among the names with commas between?
bool lists(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::string_view first = names.substr(0, names.find(','));
    if (first == name) return true;
    names.remove_prefix(std::min(names.size(), first.size() + 1));
  }
  return false;
}

std::vector<Mount> read_mounts(const std::string& root) {
  std::vector<Mount> mounts;
  std::ifstream in(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    // Number, parent, device, root, mount point, options, any number of fields, "-", type, source, options.
    std::istringstream fields(line);
    std::string word;
    Mount mount;
    fields >> word >> word >> word >> mount.root >> mount.point;
    while (fields >> word && word != "-") {}
    fields >> mount.type >> word >> mount.options;
    if (fields && (mount.type == "cgroup" || mount.type == "cgroup2")) mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::vector<Membership> read_memberships(const std::string& root) {
  std::vector<Membership> memberships;
  std::ifstream in(root + "/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    memberships.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return memberships;
}

// Folders of a group and of those above it, up to the mount point. A group outside of what is mounted (a
// container sees its own as the root) leaves the mount point alone.
std::vector<std::string> folders_of(const Mount& mount, std::string path) {
  const std::string base = mount.root == "/" ? "" : mount.root;
  const bool below = path.starts_with(base) && (path.size() == base.size() || path[base.size()] == '/');
  path = below ? path.substr(base.size()) : "";
  if (path == "/" || path.find("/..") != std::string::npos) path.clear();
  std::vector<std::string> folders;
  while (!path.empty()) {
    folders.push_back(mount.point + path);
    path.erase(path.rfind('/'));
  }
  folders.push_back(mount.point);
  return folders;
}

void limit_memory(GroupLimits& limits, std::uint64_t limit, std::uint64_t used, std::uint64_t files) {
  if (limit == 0) return;  // no such file, or "max"
  used -= std::min(used, files);
  limits.memory = std::min(limits.memory, limit > used ? limit - used : 1);
}

void limit_cpus(GroupLimits& limits, std::uint64_t quota, std::uint64_t period) {
  if (quota == 0 || period == 0) return;
  constexpr std::uint64_t kMany = 1 << 20;
  const int cpus = int(std::min(kMany, quota / period + (quota % period != 0 ? 1 : 0)));
  limits.cpus = limits.cpus == 0 ? cpus : std::min(limits.cpus, cpus);
}

void apply_v2(GroupLimits& limits, const std::string& folder) {
  // Beyond "high" a group is slowed down until it is of no use.
  for (const char* file : {"/memory.max", "/memory.high"}) {
    limit_memory(limits, number_in(folder + file), number_in(folder + "/memory.current"),
                 number_after(folder + "/memory.stat", "active_file") +
                     number_after(folder + "/memory.stat", "inactive_file"));
  }
  unsigned long long quota = 0, period = 0;
  if (std::sscanf(first_line(folder + "/cpu.max").c_str(), "%llu %llu", &quota, &period) == 2)
    limit_cpus(limits, quota, period);
}

void apply_v1_memory(GroupLimits& limits, const std::string& folder) {
  const std::string file = folder + "/memory.";
  limit_memory(
      limits, number_in(file + "limit_in_bytes"), number_in(file + "usage_in_bytes"),
      number_after(file + "stat", "total_active_file") + number_after(file + "stat", "total_inactive_file"));
}

void apply_v1_cpu(GroupLimits& limits, const std::string& folder) {
  const std::string quota = first_line(folder + "/cpu.cfs_quota_us");
  if (quota.starts_with('-')) return;  // none
  limit_cpus(limits, number_in(folder + "/cpu.cfs_quota_us"), number_in(folder + "/cpu.cfs_period_us"));
}

}  // namespace

GroupLimits group_limits(const std::string& root) {
  GroupLimits limits;
  const std::vector<Mount> mounts = read_mounts(root);
  const auto apply = [&](const Mount& mount, const Membership& membership, auto limit) {
    for (const std::string& folder : folders_of(mount, membership.path)) limit(limits, root + folder);
  };
  for (const Membership& membership : read_memberships(root)) {
    for (const Mount& mount : mounts) {
      if (membership.controllers.empty() && mount.type == "cgroup2") apply(mount, membership, apply_v2);
      if (mount.type != "cgroup") continue;
      const auto both_have = [&](std::string_view controller) {
        return lists(membership.controllers, controller) && lists(mount.options, controller);
      };
      if (both_have("memory")) apply(mount, membership, apply_v1_memory);
      if (both_have("cpu")) apply(mount, membership, apply_v1_cpu);
    }
  }
  return limits;
}

}  // namespace longhand
