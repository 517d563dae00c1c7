// Replacing a file so that at every moment, whatever ends the program or the power, its path names either the
// old content or the new, whole.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace longhand::cli {

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

/// Where replace_file() writes before it renames: `path` + kUnfinished. Only a killed save leaves one behind.
inline constexpr std::string_view kUnfinished = ".new";

/// Gives `path` the content, mode 0600. Two at a time on one path are the caller's to prevent. Throws Error
/// (io), and then the old content is still there, or, where the folder itself could not be written through to
/// the disk, the new.
void replace_file(const std::string& path, std::string_view content, FileCalls& calls = system_calls());

}  // namespace longhand::cli
