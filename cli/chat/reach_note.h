// Told once each: the text has outgrown what the model was trained on, or can make use of, or what is kept of
// it token by token. And what a session remembers, in words.
#pragma once

#include <string>
#include <string_view>

#include "engine/longhand.h"

namespace longhand::cli {

class ReachNote {
 public:
  /// `session` was made with `options`.
  ReachNote(const Session& session, const SessionOptions& options);

  /// On stderr, a line for each change that a text of `size` tokens brings, where none told of it before.
  void tell(const Session& session, int size);

 private:
  void tell_far(int size);

  int context_, near_, reach_;
  bool told_ = false, told_summary_ = false;
};

/// What the memory is for a text of `size` tokens: "rerope"; one that does not adapt is what it is called.
std::string_view memory_in_force(const SessionMemory& memory, int size);

/// "every token as it is up to 6144, then 256 to 512 and 1024 codes a head; 0.93 GiB at most".
std::string describe_memory(const SessionMemory& memory, int context);

/// What is to be expected, in one line on stderr, where `options` ask for a budget or a pace.
void tell_memory(const Session& session, const SessionOptions& options);

}  // namespace longhand::cli
