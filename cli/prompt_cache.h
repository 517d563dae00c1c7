// What a model made of a prompt, kept in a file for the next run with a prompt that begins alike.
#pragma once

#include <span>
#include <string>

#include "engine/longhand.h"

namespace longhand::cli {

class PromptCache {
 public:
  /// `path` is empty: none is kept. `answer`: the text written is kept too. `fixed`: the file is only read.
  PromptCache(std::string path, bool answer, bool fixed)
      : path_(std::move(path)), answer_(answer), fixed_(fixed) {}

  /// Puts an empty session in the state of the file where there is one that fits; returns how many tokens of
  /// the prompt, never all, it holds then. Of a file that is of no use a note tells why.
  std::size_t use(Session& session, std::span<const Token> prompt);
  /// Writes the state, and takes back what was written after `prompt` where that is not to be kept. Throws
  /// Error as Session::save_state() does.
  void keep(Session& session, std::span<const Token> prompt);

 private:
  std::string path_;
  bool answer_, fixed_;
  std::size_t held_ = 0;  // tokens of the prompt that the file holds
};

}  // namespace longhand::cli
