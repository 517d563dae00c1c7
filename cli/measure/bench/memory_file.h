// A file that exists in memory only and is gone with the program.
#pragma once

#include <string>

namespace longhand::cli {

class MemoryFile {
 public:
  /// Throws Error (io).
  explicit MemoryFile(const char* name);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  /// Where this process can open it while the object lives; mappings outlive it.
  std::string path() const;

 private:
  int fd_;
};

}  // namespace longhand::cli
