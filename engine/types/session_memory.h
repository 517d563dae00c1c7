// What a session remembers of its text.
#pragma once

#include <cstdint>
#include <string_view>

namespace longhand {

struct SessionMemory {
  std::string_view name;  ///< one of kMemoryNames: the session's, with every choice made
  int near_until = 0;     ///< auto: tokens of text up to which all keys stand at their true distance
  int exact_until = 0;    ///< tokens of text up to which every token is kept; the context: always
  int window = 0;         ///< tokens at their true distance, of longer texts; 0: all
  /// Where old text is remembered in summary: tokens, once or twice of which are exact, and codes of each
  /// head.
  int summary_window = 0, codes = 0;
  int exact = 0;            ///< old tokens that each query reads exactly all the same
  std::uint64_t bytes = 0;  ///< taken at most until this changes
};

}  // namespace longhand
