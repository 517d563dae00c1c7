// Files that must be refused, each with one thing wrong, and a small good file to tell them from.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "ops/error.h"
#include "tests/support/gguf_writer.h"

namespace longhand::test {

/// A file of about 1 KiB: keys of every type and array, tensors of three types, version 3.
GgufWriter small_gguf();

struct BadFile {
  std::string name;  // letters, digits and underscores
  Errc code;
  std::string says;  // part of the message
  std::string bytes;

  friend std::ostream& operator<<(std::ostream& out, const BadFile& bad) { return out << bad.name; }
};

std::vector<BadFile> bad_gguf_files();

}  // namespace longhand::test
