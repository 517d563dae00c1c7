// Adapters made at random, and models into which they are merged in double precision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "ops/format.h"
#include "tests/support/gguf_writer.h"

namespace longhand::test {

struct LoraMaker {
  int rank = 3;
  float alpha = 2;  // 0: the file does not state it
  FormatId format = kFormatF32;
  unsigned seed = 1;
  /// Which of the matrices it changes.
  std::function<bool(const std::string& name)> wanted = [](const std::string&) { return true; };
};
/// Random pairs for every matrix of `model` that adapters can change, the embedding among them.
GgufWriter random_lora(const Model& model, const LoraMaker& maker);
/// The same for these tensors (in, out).
struct LoraTensor {
  std::string name;
  std::uint64_t in, out;
};
GgufWriter random_lora(const std::string& architecture, const std::vector<LoraTensor>& tensors,
                       const LoraMaker& maker);

/// Adds what an adapter's file says, times `scale`, to the F32 tensors of a model's file, in double
/// precision.
void merge_into(std::vector<std::byte>& model, const std::vector<std::byte>& adapter, double scale);

}  // namespace longhand::test
