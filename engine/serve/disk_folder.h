// A folder of saved texts, which several programs and models may share. Each text is a file of its own, so
// that there is no index that could be wrong; how lately one was used is the time of its file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/state/atomic_file.h"
#include "engine/types/token.h"

namespace longhand {

/// A file would be written where it leads, for whoever made the link. Throws Error(io).
void refuse_link(const std::string& path);

class DiskFolder {
 public:
  /// Makes the folder, for its owner alone, where it is missing, and removes what killed programs left
  /// unfinished. Throws Error(io), also where others may write in it: who reads a text must trust its file.
  DiskFolder(std::string path, std::uint64_t limit, FileCalls& calls);

  struct File {
    std::string path;
    std::uint64_t bytes = 0;
    std::filesystem::file_time_type used = {};
  };
  /// Of texts, whoever saved them; those unused for longest first.
  std::vector<File> files() const;
  /// Where a text belongs. See text_of(StateOwner).
  std::string path_of(std::string_view owner, std::span<const Token> tokens) const;
  /// Deletes files until `bytes` more fit, and returns those that are left. Nothing: they do not fit, since
  /// that is more than all files may have, or files cannot be deleted.
  std::optional<std::vector<File>> make_room(std::uint64_t bytes);
  /// The file was used just now. False: it is not there any more.
  bool touch(const std::string& path) const noexcept;
  /// False: the file is still there.
  bool remove(const std::string& path) noexcept;

  std::uint64_t limit() const noexcept { return limit_; }
  FileCalls& calls() const noexcept { return calls_; }

 private:
  std::string path_;
  std::uint64_t limit_;
  FileCalls& calls_;
};

}  // namespace longhand
