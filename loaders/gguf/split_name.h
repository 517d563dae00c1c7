// File names of the parts of a split model: "<stem>-00002-of-00005.gguf".
#pragma once

#include <cstdint>
#include <string>

namespace longhand {

struct SplitName {
  std::string stem;
  std::int64_t count = 0;
  /// Name of part `no`, counted from 0.
  std::string part(std::int64_t no) const;
};

/// The names of all parts, taken from that of part 0: never from metadata, so no file outside its folder is
/// read. `no` and `count` are what the file says of itself. Throws Error (mismatch) when `file_name` is
/// another part, naming the one to open, or is not of the form above.
SplitName parse_split_name(const std::string& file_name, std::int64_t no, std::int64_t count);

}  // namespace longhand
