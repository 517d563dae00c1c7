#include "cli/models/converted_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "cli/terminal/signals.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/user_dirs.h"
#include "engine/longhand_convert.h"
#include "engine/state/checksum.h"
#include "ops/error.h"

namespace longhand::cli {
namespace fs = std::filesystem;
namespace {

/// One process at a time makes the file.
class Lock {
 public:
  explicit Lock(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0) {
      if (errno == EINTR && !signal_waiting()) continue;
      ::close(fd_);
      throw Error(Errc::cancelled, "stopped while another process converts the same folder");
    }
    if (fd_ < 0)
      throw Error(Errc::io, fmt::format("cannot open {}: {}", path, std::generic_category().message(errno)));
  }
  ~Lock() { ::close(fd_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int fd_;
};

// Names, sizes and times of the files, also of those that links lead to, and of those of folders within that
// count: the config.json, one of which says how vectors are made, and chat templates; and who converts them.
std::uint32_t state_of(const std::string& folder) {
  std::vector<std::string> files;
  const auto take = [&](const fs::directory_entry& file) {
    std::error_code error;
    if (!file.is_regular_file(error)) return;
    files.push_back(fmt::format("{}\n{}\n{}\n", file.path().lexically_relative(folder).string(),
                                file.file_size(error),
                                file.last_write_time(error).time_since_epoch().count()));
  };
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    take(entry.is_directory(error) ? fs::directory_entry(entry.path() / "config.json", error) : entry);
  const fs::path templates = fs::path(folder) / "additional_chat_templates";
  for (const fs::directory_entry& entry : fs::directory_iterator(templates, error)) take(entry);
  std::ranges::sort(files);
  std::uint32_t sum = crc32c(std::to_string(kConverterVersion));
  for (const std::string& file : files) sum = crc32c(file, sum);
  return sum;
}

// Files of the same folder as it was before; what is begun of it as it is now stays.
void remove_older(const fs::path& place, const std::string& start, const std::string& lock,
                  const std::string& now) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(place, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(start) && name != lock && !name.starts_with(now)) fs::remove(entry.path(), error);
  }
}

void convert_into(const std::string& folder, const std::string& path) {
  print_note(fmt::format("{} is converted once, to {}", folder, path));
  ProgressBar bar("converting");
  ConvertOptions options;
  options.progress = [&bar](float share) {
    bar.update(share);
    return !signal_waiting();
  };
  const ConvertedModel made = convert_model(folder, path, options);
  bar.clear();
  for (const std::string& note : made.notes) print_note(note);
}

}  // namespace

std::string converted_folder(const std::string& folder) {
  const std::string cache = cache_home();
  if (cache.empty()) {
    throw Error(Errc::missing,
                fmt::format("{}: there is no home folder to convert it into; convert writes a file", folder));
  }
  const fs::path place = fs::path(cache) / "longhand" / "converted";
  make_private_folder(place.parent_path().string());
  make_private_folder(place.string());
  const fs::path whole = fs::canonical(folder);
  const std::string start = fmt::format("{}-{:08x}-", whole.filename().string(), crc32c(whole.string()));
  const Lock lock((place / (start + "lock")).string());
  const std::string name = fmt::format("{}{:08x}.gguf", start, state_of(folder));
  std::error_code error;
  std::string path = (place / name).string();
  if (fs::exists(path, error)) return path;
  remove_older(place, start, start + "lock", name);
  convert_into(folder, path);
  return path;
}

}  // namespace longhand::cli
