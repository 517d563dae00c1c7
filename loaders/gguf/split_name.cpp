#include "loaders/gguf/split_name.h"

#include <fmt/format.h>

#include "loaders/gguf/gguf_reader.h"
#include "ops/error.h"

namespace longhand {
namespace {

// What follows the stem. Parts count from 0 inside the files and from 1 in their names.
std::string suffix(std::int64_t no, std::int64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", no + 1, count);
}

}  // namespace

std::string SplitName::part(std::int64_t no) const { return stem + suffix(no, count); }

SplitName parse_split_name(const std::string& file_name, std::int64_t no, std::int64_t count) {
  const std::string ending = suffix(no, count);
  const bool named_as_it_says = file_name.size() > ending.size() && file_name.ends_with(ending);
  SplitName name{named_as_it_says ? file_name.substr(0, file_name.size() - ending.size()) : "", count};
  if (no != 0) {
    const std::string first =
        named_as_it_says ? quote(name.part(0)) : fmt::format("the file '...{}'", suffix(0, count));
    throw Error(Errc::mismatch, fmt::format("{}: is part {} of {} of a split model; open {} instead",
                                            quote(file_name), no + 1, count, first));
  }
  if (!named_as_it_says) {
    throw Error(Errc::mismatch,
                fmt::format("{}: is the first of {} parts of a split model, its name must end in '{}'",
                            quote(file_name), count, ending));
  }
  return name;
}

}  // namespace longhand
