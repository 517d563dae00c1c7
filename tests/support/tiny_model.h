// A complete model of a few kilobytes, right in every detail, for tests that then spoil one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/support/gguf_writer.h"

namespace longhand::test {

/// A llama of 2 layers, width 32, 4 heads (2 kv heads), feed-forward 64, 300 tokens of byte-level BPE, with
/// random weights of a fixed seed: Q8_0 matrices, F32 norms of 1. The last four tokens are controls: <think>,
/// </think>, <|im_start|>, <|im_end|>.
GgufWriter tiny_llama();

struct LlamaShape {
  std::uint64_t hidden, ff;                                                   // a head is a quarter of hidden
  std::uint32_t type;                                                         // of matrices
  std::function<std::string(std::uint64_t cols, std::uint64_t rows)> matrix;  // bytes of the next one
};
/// The same with other widths and weights.
GgufWriter tiny_llama(const LlamaShape& shape);

/// The entry or tensor of this name; throws std::out_of_range when there is none.
GgufWriter::Entry& entry(GgufWriter& writer, const std::string& key);
GgufWriter::Tensor& tensor(GgufWriter& writer, const std::string& name);

}  // namespace longhand::test
