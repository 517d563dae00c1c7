// How the program ends. Scripts rely on these numbers.
#pragma once

#include <stdexcept>

namespace longhand::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kSignalBase = 128;   // + the number of a signal, as shells report it
inline constexpr int kInterrupted = 130;  // Ctrl-C

/// The command line asks for something that makes no sense; ends the program with status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The reader of our output has gone (`longhand run ... | head -1`); ends the program without a word.
class BrokenPipe : public std::exception {};

}  // namespace longhand::cli
