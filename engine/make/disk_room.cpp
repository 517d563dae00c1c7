#include "engine/make/disk_room.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <system_error>

#include "engine/state/atomic_file.h"
#include "ops/error.h"

namespace longhand {

namespace fs = std::filesystem;

fs::path folder_of(const std::string& path) {
  std::error_code error;
  const fs::path there = fs::weakly_canonical(path, error);
  const fs::path folder = (error ? fs::path(path) : there).parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

void need_room(const std::string& folder, std::uint64_t bytes) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return;
  const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free >= bytes) return;
  constexpr double kGiB = 1 << 30;
  throw Error(Errc::io, fmt::format("{}: the disk has {:.2f} GiB free, the new model needs {:.2f} GiB",
                                    folder, double(free) / kGiB, double(bytes) / kGiB));
}

std::uint64_t left_over(const std::string& path) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(end_of_links(path) + std::string(kUnfinished), error);
  return error ? 0 : size;
}

}  // namespace longhand
