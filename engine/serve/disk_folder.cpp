#include "engine/serve/disk_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "engine/state/checksum.h"
#include "ops/error.h"

namespace longhand {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kBeginning = "text-", kEnding = ".state";

bool is_text(std::string_view name) { return name.starts_with(kBeginning) && name.ends_with(kEnding); }

void make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return;
  const int why = errno;
  struct stat status {};
  if (why == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    if (status.st_uid != ::geteuid())
      throw Error(Errc::io, fmt::format("the folder {} belongs to another user", path));
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
      throw Error(
          Errc::io,
          fmt::format("others may write in the folder {}, its mode is {:03o}; it must be writable for "
                      "its owner alone",
                      path, status.st_mode & 0777));
    return;
  }
  throw Error(Errc::io, fmt::format("cannot make the folder {}: {}", path,
                                    why == EEXIST ? "it is a file" : std::generic_category().message(why)));
}

}  // namespace

void refuse_link(const std::string& path) {
  std::error_code none;
  if (fs::is_symlink(fs::symlink_status(path, none)))
    throw Error(Errc::io, fmt::format("{} is a symbolic link, and no text is written where it leads", path));
}

DiskFolder::DiskFolder(std::string path, std::uint64_t limit, FileCalls& calls)
    : path_(std::move(path)), limit_(limit), calls_(calls) {
  make_folder(path_);
  std::error_code error;
  for (fs::directory_iterator at(path_, error), end; !error && at != end; at.increment(error)) {
    const std::string left = at->path().string();
    if (!left.ends_with(kUnfinished)) continue;
    const std::string whole = left.substr(0, left.size() - kUnfinished.size());
    if (is_text(fs::path(whole).filename().string())) remove_unfinished(whole, calls_);
  }
  if (error) throw Error(Errc::io, fmt::format("cannot read the folder {}: {}", path_, error.message()));
}

std::vector<DiskFolder::File> DiskFolder::files() const {
  std::vector<File> files;
  std::error_code error;
  for (fs::directory_iterator at(path_, error), end; !error && at != end; at.increment(error)) {
    if (!is_text(at->path().filename().string())) continue;
    std::error_code gone;
    if (!fs::is_regular_file(at->symlink_status(gone))) continue;
    const File file{at->path().string(), at->file_size(gone), at->last_write_time(gone)};
    if (!gone) files.push_back(file);
  }
  std::ranges::sort(files, {}, [](const File& file) { return std::pair(file.used, file.path); });
  return files;
}

std::string DiskFolder::path_of(std::string_view owner, std::span<const Token> tokens) const {
  const std::string name =
      fmt::format("{}{:08x}{:08x}{}", kBeginning, crc32c(owner), crc32c(std::as_bytes(tokens)), kEnding);
  return (fs::path(path_) / name).string();
}

std::optional<std::vector<DiskFolder::File>> DiskFolder::make_room(std::uint64_t bytes) {
  if (bytes > limit_) return std::nullopt;
  std::vector<File> all = files();
  std::uint64_t sum = bytes;
  for (const File& file : all) sum += file.bytes;
  const auto leaves = [&](const File& file) {
    if (sum <= limit_ || !remove(file.path)) return false;
    sum -= file.bytes;
    return true;
  };
  std::erase_if(all, leaves);
  if (sum > limit_) return std::nullopt;
  return all;
}

bool DiskFolder::touch(const std::string& path) const noexcept {
  std::error_code error;
  fs::last_write_time(path, fs::file_time_type::clock::now(), error);
  return error != std::errc::no_such_file_or_directory;
}

bool DiskFolder::remove(const std::string& path) noexcept {
  return calls_.unlink(path.c_str()) == 0 || errno == ENOENT;
}

}  // namespace longhand
