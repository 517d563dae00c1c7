// A folder that lives as long as the object.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace longhand::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Path of a file `name` in the folder.
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Writes `content` to the file `name` and returns its path.
  std::string write(const std::string& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

}  // namespace longhand::test
