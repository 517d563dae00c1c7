#include "cli/chat/chat_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "cli/terminal/user_dirs.h"
#include "ops/error.h"

namespace longhand::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxName = 64;
constexpr off_t kMaxBytes = off_t{1} << 30;

void check_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  const auto allowed = [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; };
  if (name.empty() || name.size() > kMaxName || !plain(name.front()) || !std::ranges::all_of(name, allowed)) {
    throw Error(
        Errc::range,
        fmt::format("chat name '{}': must be 1..{} of the characters A-Z a-z 0-9 . _ -, the first a letter "
                    "or digit",
                    name, kMaxName));
  }
}

[[noreturn]] void throw_io(std::string_view what, const std::string& path, int error) {
  throw Error(error == ENOENT ? Errc::missing : Errc::io,
              fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
}

int open_file(const std::string& path, int flags) {
  int fd = -1;
  do fd = ::open(path.c_str(), flags | O_RDONLY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  return fd;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// False where another process has the lock. File systems that know none are taken to have one user.
bool try_lock(int fd) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return true;
  }
  return true;
}

// Held while a chat is opened or written, so that no other process sees a file between its two states: the
// lock of an open chat is on the file, and a save puts another file in its place.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder) : fd_(open_file(folder, O_DIRECTORY)) {
    if (fd_.get() < 0) throw_io("open", folder, errno);
    constexpr int kTries = 200, kMillisecondsBetween = 10;  // others hold it for a few system calls
    for (int i = 0; !try_lock(fd_.get()); ++i) {
      if (i == kTries) throw Error(Errc::busy, fmt::format("{}: in use by another process", folder));
      ::poll(nullptr, 0, kMillisecondsBetween);
    }
  }

 private:
  Descriptor fd_;
};

// The file, locked; -1 where there is none.
int open_locked(const std::string& path) {
  Descriptor file(open_file(path, O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return -1;
  if (file.get() < 0) throw_io("open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_io("open", path, errno);
  if (!S_ISREG(status.st_mode))
    throw Error(Errc::io, fmt::format("cannot open {}: not a regular file", path));
  if (status.st_size > kMaxBytes)
    throw Error(Errc::limit,
                fmt::format("{}: {} bytes, must be at most {}", path, status.st_size, kMaxBytes));
  if (!try_lock(file.get())) throw Error(Errc::busy, fmt::format("{} is open in another longhand", path));
  return file.release();
}

std::string read_whole(int fd, const std::string& path) {
  std::string content;
  char chunk[1 << 16];
  for (;;) {
    const ssize_t n = ::pread(fd, chunk, sizeof chunk, off_t(content.size()));
    if (n == 0) return content;
    if (n < 0 && errno != EINTR) throw_io("read", path, errno);
    if (n > 0) content.append(chunk, std::size_t(n));
  }
}

}  // namespace

std::string ChatStore::default_folder() {
  const std::string data = data_folder();
  return data.empty() ? "" : data + "/chats";
}

ChatStore::ChatStore(std::string folder, FileCalls& calls) : folder_(std::move(folder)), calls_(calls) {}
ChatStore::~ChatStore() { close(); }

std::string ChatStore::path_of(const std::string& name, std::string_view ending) const {
  if (folder_.empty())
    throw Error(Errc::io, "there is no place for chats: neither XDG_DATA_HOME nor HOME is set");
  check_name(name);
  return fmt::format("{}/{}{}", folder_, name, ending);
}

std::vector<std::string> ChatStore::names() const {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    std::string name = entry.path().filename().string();
    if (name.size() <= kEnding.size() || !name.ends_with(kEnding)) continue;
    name.resize(name.size() - kEnding.size());
    out.push_back(std::move(name));
  }
  std::ranges::sort(out);
  return out;
}

std::vector<SavedChat> ChatStore::list() const {
  std::vector<SavedChat> chats;
  for (const std::string& name : names()) {
    SavedChat chat;
    chat.name = name;
    std::error_code ignored;
    const fs::path path = fs::path(folder_) / (name + std::string(kEnding));
    chat.bytes = fs::file_size(path, ignored);
    chat.changed = std::chrono::file_clock::to_sys(fs::last_write_time(path, ignored));
    try {
      const Descriptor file(open_file(path.string(), O_NOFOLLOW | O_NONBLOCK));
      if (file.get() < 0 || chat.bytes > std::uintmax_t(kMaxBytes)) continue;
      const ChatRecord record = read_record(read_whole(file.get(), path.string()), name);
      chat.turns = record.turns.size();
      if (!record.turns.empty()) chat.title = record.turns.front().user;
    } catch (const std::exception&) {}  // listed all the same
    chats.push_back(std::move(chat));
  }
  std::ranges::stable_sort(chats, std::greater{}, &SavedChat::changed);
  return chats;
}

void ChatStore::remove(const std::string& name) const noexcept {
  try {
    std::error_code ignored;
    if (name == open_name_) return;
    fs::remove(path_of(name), ignored);
    remove_cache(name);
  } catch (const std::exception&) {}
}

void ChatStore::remove_cache(const std::string& name) const noexcept {
  try {
    std::error_code ignored;
    fs::remove(path_of(name, ".cache"), ignored);
  } catch (const std::exception&) {}
}

bool ChatStore::has(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(path_of(name), ignored);
}

void ChatStore::close() noexcept {
  if (open_file_ >= 0) ::close(open_file_);
  open_file_ = -1;
  open_name_.clear();
  content_.clear();
}

void ChatStore::hold(const std::string& name, int file, std::string content) {
  if (open_file_ >= 0) ::close(open_file_);
  open_file_ = file;
  open_name_ = name;
  content_ = std::move(content);
}

void ChatStore::write(const std::string& name, std::string content) {
  const std::string path = path_of(name);
  make_private_folder(folder_);
  const FolderLock lock(folder_);
  // Whoever has the other chat of this name open would write over this one.
  const Descriptor other(name == open_name_ ? -1 : open_locked(path));
  replace_file(path, content, calls_);
  hold(name, open_locked(path), std::move(content));
}

void ChatStore::save(const std::string& name, const ChatRecord& record) { write(name, write_record(record)); }

void ChatStore::update(const ChatRecord& record) {
  if (open_name_.empty()) return;
  std::string content = write_record(record);
  if (content != content_) write(std::string(open_name_), std::move(content));
}

void ChatStore::load(const std::string& name, const std::function<void(ChatRecord& record)>& use) {
  const std::string path = path_of(name);
  if (!has(name)) throw Error(Errc::missing, fmt::format("there is no saved chat '{}' ({})", name, path));
  const FolderLock lock(folder_);
  Descriptor file(name == open_name_ ? ::dup(open_file_) : open_locked(path));
  if (file.get() < 0) throw_io("open", path, ENOENT);
  std::string content = read_whole(file.get(), path);
  ChatRecord record = read_record(content, path);
  use(record);
  hold(name, file.release(), std::move(content));
}

}  // namespace longhand::cli
