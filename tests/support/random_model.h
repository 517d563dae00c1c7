// Small models of any architecture with random weights in floats, for comparison with references in double
// precision.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/gguf_writer.h"

namespace longhand::test {

struct RandomShape {
  std::string arch;
  /// Keys behind "ARCH.", in place of or beside those of a model of 2 layers, width 32, 4 heads (2 kv heads),
  /// feed-forward 48 and a context of 256.
  std::map<std::string, std::uint32_t> numbers = {};
  std::map<std::string, std::vector<std::int32_t>> lists = {};
  std::vector<std::string> wishes = {};  // optional tensors, see wish_list()
  /// A prediction layer, made like the last layer, behind the others.
  bool next_head = false;
};
/// With the vocabulary of tiny_llama(). The same shape gives the same weights. Norms have weights around 1.
GgufWriter random_model(const RandomShape& shape);

}  // namespace longhand::test
