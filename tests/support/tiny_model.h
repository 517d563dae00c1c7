// A complete model of a few kilobytes, right in every detail, for tests that then spoil one.
#pragma once

#include "tests/support/gguf_writer.h"

namespace longhand::test {

/// A llama of 2 layers, width 32, 4 heads (2 kv heads), feed-forward 64, 300 tokens of byte-level BPE, with
/// random weights of a fixed seed: Q8_0 matrices, F32 norms. The last four tokens are controls: <think>,
/// </think>, <|im_start|>,
/// <|im_end|>.
GgufWriter tiny_llama();

/// The entry or tensor of this name; throws std::out_of_range when there is none.
GgufWriter::Entry& entry(GgufWriter& writer, const std::string& key);
GgufWriter::Tensor& tensor(GgufWriter& writer, const std::string& name);

}  // namespace longhand::test
