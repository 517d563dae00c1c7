// Read-only memory mapping of a whole regular file.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace longhand {

class MappedFile {
 public:
  MappedFile() = default;
  /// Maps `path`. Throws Error (io) if it is not a readable regular file (never blocks on a FIFO
  /// or a device).
  explicit MappedFile(const std::string& path);
  /// Maps an open file, which may be closed afterwards; `name` stands in messages. Throws the same.
  MappedFile(int descriptor, const std::string& name);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  /// Gives the pages of `range` (a part of bytes()) back to the system; reading them again reloads them.
  void release(std::span<const std::byte> range) const noexcept;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Lets `range`, a part of a mapped file's bytes, be changed in the memory of this process; the file stays as
/// it is. What is changed is lost where its pages are released. Throws Error (io).
std::span<std::byte> open_for_change(std::span<const std::byte> range);

}  // namespace longhand
