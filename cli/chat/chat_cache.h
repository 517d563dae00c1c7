// What the model made of a chat, kept beside the saved chat so that it goes on without being read again. Only
// a cache: the chat is whole without it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/longhand.h"

namespace longhand::cli {

class ChatCache {
 public:
  /// Files larger than `most_bytes` are not written; 0: none are.
  explicit ChatCache(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

  /// Writes the session's state, unless it is too short to be worth it; where it is too large the file is
  /// gone afterwards. What fails is no news to anybody.
  void keep(const std::string& path, const Session& session) noexcept;
  /// Puts the session in the state of the file where there is one that fits; a damaged one is deleted. Else
  /// the session stays as it is.
  void use(const std::string& path, Session& session) noexcept;

 private:
  std::uint64_t most_bytes_;
  std::string path_;           // the file last written or read,
  std::vector<Token> tokens_;  // and its text
};

}  // namespace longhand::cli
