#include "cli/terminal/history.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/terminal/user_dirs.h"
#include "engine/state/atomic_file.h"
#include "ops/error.h"

namespace longhand::cli {
namespace {

constexpr std::size_t kKept = 1000;
constexpr std::size_t kMaxEntry = std::size_t{1} << 20;  // a pasted book is not worth remembering

// Entries are lines; newlines and backslashes inside are escaped.
std::string escape(std::string_view entry) {
  std::string out;
  for (const char c : entry) out += c == '\n' ? "\\n" : c == '\\' ? "\\\\" : std::string(1, c);
  return out + "\n";
}

std::string unescape(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool escaped = line[i] == '\\' && i + 1 < line.size();
    if (escaped) ++i;
    out += escaped && line[i] == 'n' ? '\n' : line[i];
  }
  return out;
}

// -1 with errno. Our own file is never reached through a link that somebody else may have put there.
int open_private(const std::string& path, int flags) {
  int fd = -1;
  do fd = ::open(path.c_str(), flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  while (fd < 0 && errno == EINTR);
  struct stat status {};
  if (fd >= 0 && (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || ::fchmod(fd, 0600) != 0)) {
    ::close(fd);
    errno = EINVAL;
    return -1;
  }
  return fd;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) text.remove_prefix(std::size_t(n));
  }
  return true;
}

// False with errno where not all could be read.
bool read_all(int fd, std::string& text) {
  char chunk[1 << 16];
  for (ssize_t n = 0; (n = ::read(fd, chunk, sizeof chunk)) != 0;) {
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) text.append(chunk, std::size_t(n));
  }
  return true;
}

}  // namespace

std::string History::default_path() {
  const std::string folder = state_folder();
  return folder.empty() ? "" : folder + "/history";
}

History::History(std::string path) : path_(std::move(path)) {
  if (!path_.empty()) load();
}

void History::fail(std::string_view what) {
  problem_ = fmt::format("history is not kept: cannot {} {}: {}", what, path_, std::strerror(errno));
  path_.clear();
}

void History::load() {
  make_private_folder(std::filesystem::path(path_).parent_path().string());
  const int fd = open_private(path_, O_RDWR | O_APPEND);
  if (fd < 0) return fail("open");
  std::string text;
  const bool whole = read_all(fd, text);
  if (!whole) fail("read");  // what is not known is not written over either
  std::string_view rest = text;
  for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
    entries_.push_back(unescape(rest.substr(0, end)));
  }
  // A program that was killed, or had no room left on the disk, in the middle of an entry.
  if (whole && !rest.empty()) {
    entries_.push_back(unescape(rest));
    if (!write_all(fd, "\n")) fail("write");
  }
  ::close(fd);
  if (path_.empty() || entries_.size() < 2 * kKept) return;  // trimmed now and then, not at every start

  entries_.erase(entries_.begin(), entries_.end() - kKept);
  std::string kept;
  for (const auto& entry : entries_) kept += escape(entry);
  try {
    replace_file(path_, kept);
  } catch (const Error& error) {
    problem_ = fmt::format("history is not kept: {}", error.what());
    path_.clear();
  }
}

void History::add(std::string_view entry) {
  if (entry.empty() || entry.size() > kMaxEntry || (!entries_.empty() && entries_.back() == entry)) return;
  entries_.emplace_back(entry);
  if (path_.empty()) return;
  const int fd = open_private(path_, O_WRONLY | O_APPEND);
  const bool written = fd >= 0 && write_all(fd, escape(entry));
  if (!written) fail("write");
  if (fd >= 0) ::close(fd);
}

}  // namespace longhand::cli
