#include "cli/pull/plan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/pull/download.h"
#include "cli/terminal/output.h"
#include "cli/terminal/output_filter.h"
#include "cli/terminal/units.h"
#include "engine/state/atomic_file.h"
#include "ops/error.h"

namespace longhand::cli {
namespace fs = std::filesystem;
namespace {

void make_folder(const std::string& file) {
  std::error_code error;
  fs::create_directories(fs::path(file).parent_path(), error);
  if (error) throw Error(Errc::io, fmt::format("cannot create the folder of {}: {}", file, error.message()));
}

// Bytes free where `path` will be; -1: unknown.
std::int64_t free_bytes(fs::path path) {
  std::error_code error;
  while (!fs::exists(path, error) && path.has_relative_path()) path = path.parent_path();
  const fs::space_info space = fs::space(path, error);
  return error ? -1 : std::int64_t(space.available);
}

std::int64_t bytes_to_come(const PullPlan& plan) {
  std::int64_t bytes = 0;
  for (const RemoteFile& file : plan.files) {
    if (!is_there(file)) bytes += std::max<std::int64_t>(file.bytes, 0) - bytes_begun(file);
  }
  return std::max<std::int64_t>(bytes, 0);
}

void check_space(const PullPlan& plan) {
  if (plan.files.empty()) return;
  const std::int64_t needed = bytes_to_come(plan), free = free_bytes(plan.files.front().path);
  if (free >= 0 && needed > free)
    throw Error(Errc::io, fmt::format("{}: {} are to come, and {} are free for {}", plan.source,
                                      format_bytes(std::uint64_t(needed)), format_bytes(std::uint64_t(free)),
                                      plan.files.front().path));
}

// A link takes the place of another at once, so that the name always leads somewhere.
void make_link(const Entry& entry) {
  std::error_code error;
  if (fs::read_symlink(entry.path, error) == entry.content && !error) return;
  const std::string temporary = entry.path + std::string(kUnfinished);
  ::unlink(temporary.c_str());
  if (::symlink(entry.content.c_str(), temporary.c_str()) != 0 ||
      ::rename(temporary.c_str(), entry.path.c_str()) != 0) {
    const int failed = errno;
    ::unlink(temporary.c_str());
    throw Error(Errc::io, fmt::format("cannot create {}: {}", entry.path, std::strerror(failed)));
  }
}

}  // namespace

bool is_there(const RemoteFile& file) {
  std::error_code error;
  const bool regular = fs::is_regular_file(file.path, error);
  return regular && (file.bytes < 0 || std::int64_t(fs::file_size(file.path, error)) == file.bytes) && !error;
}

void carry_out(const PullPlan& plan) {
  check_space(plan);
  for (const RemoteFile& file : plan.files) {
    make_folder(file.path);
    if (!is_there(file)) download(file, plan.token, plan.denied);
  }
  for (const Entry& entry : plan.entries) {
    make_folder(entry.path);
    if (entry.link) make_link(entry);
    if (!entry.link) replace_file(entry.path, entry.content);
  }
}

std::string describe(const PullPlan& plan) {
  std::string out;
  for (const RemoteFile& file : plan.files) {
    const std::int64_t begun = bytes_begun(file);
    const std::string size = file.bytes < 0 ? "?" : format_bytes(std::uint64_t(file.bytes));
    const std::string state = is_there(file) ? "is there"
                              : begun > 0    ? fmt::format("{} are there", format_bytes(std::uint64_t(begun)))
                                             : "to come";
    out += fmt::format("{:>10}  {}  {}\n{:12}{}\n", size, make_visible(file.name), state, "",
                       make_visible(file.path));
  }
  const std::int64_t free = plan.files.empty() ? -1 : free_bytes(plan.files.front().path);
  out += fmt::format("{:>10}  to come", format_bytes(std::uint64_t(bytes_to_come(plan))));
  if (free >= 0) out += fmt::format(", {} free", format_bytes(std::uint64_t(free)));
  return out + fmt::format("\nmodel: {}\n", make_visible(plan.model));
}

}  // namespace longhand::cli
