// A file on its way from the network: what is there of it outlives the program, so that the next run goes on
// with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace longhand::cli {

/// What is not whole yet lies in the file's path + kIncomplete.
inline constexpr std::string_view kIncomplete = ".incomplete";

class PartFile {
 public:
  /// Takes what is there of the file that will be `path`. Throws Error: io, busy (another process has it).
  explicit PartFile(const std::string& path);
  /// Leaves what is there, if it is anything.
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  std::int64_t size() const noexcept { return size_; }
  /// Hands on all bytes, in order. Throws Error(io) and what `take` throws.
  void read(const std::function<void(std::span<const std::byte>)>& take) const;
  /// 0, or the errno of what went wrong.
  int append(std::span<const std::byte> bytes) noexcept;
  /// Throws Error(io).
  void empty();
  /// Of which version the bytes are (an ETag); "" where nothing was said. Throws Error(io) where it cannot be
  /// written.
  std::string tag() const;
  void set_tag(const std::string& tag);
  /// Gives it its name, when all of it is on the disk. Throws Error(io).
  void place();

 private:
  void open_and_lock();
  [[noreturn]] void fail(const char* what) const;

  std::string path_, part_, tag_file_;
  int fd_ = -1;
  std::int64_t size_ = 0;
};

}  // namespace longhand::cli
