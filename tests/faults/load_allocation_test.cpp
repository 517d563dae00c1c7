// Memory that runs out while a model is loaded from memory, and while its metadata is read.
#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "tests/faults/out_of_memory.h"
#include "tests/support/golden.h"

namespace longhand::test {
namespace {

const auto kNothing = [] {};

TEST(OutOfMemory, LoadingFromMemory) {
  const std::vector<std::byte> file = read_bytes(tiny_path());
  run_out_of_memory(
      [&] { return Model::load_memory(std::span<const std::byte>(file), one_thread()).info().parameters; },
      kNothing, 16);
}

TEST(OutOfMemory, Metadata) {
  const Model& model = tiny();
  const std::size_t tokens = model.find_metadata("tokenizer.ggml.tokens").value();
  run_out_of_memory([&] { return model.metadata_values(tokens).size(); }, kNothing);
  run_out_of_memory([&] { return model.recommended_sampling().top_k; }, kNothing);
}

}  // namespace
}  // namespace longhand::test
