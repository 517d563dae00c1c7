// Replacing a file so that at every moment, whatever ends the program or the power, its path names either the
// old content or the new, whole.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace longhand {

/// The system calls a save makes, each as the system has it. A seam for tests, which make any of them fail or
/// be the last.
class FileCalls {
 public:
  virtual ~FileCalls() = default;
  virtual int open(const char* path, int flags, mode_t mode);
  virtual ssize_t write(int fd, const void* data, std::size_t size);
  virtual int fsync(int fd);
  virtual int close(int fd);
  virtual int rename(const char* from, const char* to);
  virtual int unlink(const char* path);
};
FileCalls& system_calls();

/// Where a replacement is written before it is renamed: `path` + kUnfinished. Only a killed save, or one that
/// was told to, leaves one behind.
inline constexpr std::string_view kUnfinished = ".new";

/// Where symbolic links lead to, also to a name that is still free, as far as they can be followed. That is
/// the file which a replacement of `path` replaces.
std::string end_of_links(const std::string& path);

/// Removes what a killed save of `path` left. False: it is being written.
bool remove_unfinished(const std::string& path, FileCalls& calls = system_calls());

/// Who may read a new file: its owner, or whom the user's umask lets.
inline constexpr mode_t kPrivate = 0600, kOrdinary = 0666;

/// Looks at what an earlier replacement left at `temporary`, open as `descriptor`, and says how many bytes of
/// it are the beginning of the new one; 0: none.
using TakeOver = std::function<std::uint64_t(int descriptor, const std::string& temporary)>;

/// A file on its way to replace another. Until commit() the path names what it named before, and where
/// commit() is never reached nothing of this remains. Of two at a time on one path the second is refused.
class FileReplacement {
 public:
  /// Symbolic links are followed: they stay, and what they lead to is replaced. All throw Error(io); so does
  /// this where the path names anything but a regular file or nothing yet.
  /// What an earlier one left is removed, unless `take_over` finds a use for it; only a file that belongs to
  /// this user is shown to it.
  explicit FileReplacement(const std::string& path, FileCalls& calls = system_calls(), mode_t mode = kPrivate,
                           const TakeOver& take_over = {});
  ~FileReplacement();
  FileReplacement(const FileReplacement&) = delete;
  FileReplacement& operator=(const FileReplacement&) = delete;

  /// Where it is written.
  const std::string& temporary() const noexcept { return temporary_; }
  /// Bytes of an earlier one that this goes on with.
  std::uint64_t taken_over() const noexcept { return taken_over_; }
  void write(std::span<const std::byte> content);
  /// Without commit(), what was written stays, for a later replacement to take over.
  void keep() noexcept { kept_ = true; }
  /// Puts the file in place, once. Where it throws the old content is still there, or, where the folder
  /// itself could not be written through to the disk, the new.
  void commit();

 private:
  bool take(const TakeOver& take_over);
  void finish();
  [[noreturn]] void fail(std::string_view what) const;

  std::string path_, temporary_;
  FileCalls& calls_;
  int fd_ = -1;
  std::uint64_t taken_over_ = 0;
  bool placed_ = false, kept_ = false;
};

/// Gives `path` the content, as FileReplacement does. Throws Error(io).
void replace_file(const std::string& path, std::string_view content, FileCalls& calls = system_calls(),
                  mode_t mode = kPrivate);

}  // namespace longhand
