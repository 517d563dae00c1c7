// Models of every tensor type whose rows have several blocks of activations, one of them an odd number,
// against the same weights as floats. Narrow reference models would not notice that the second block of a row
// got the scale of another.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/longhand.h"
#include "ops/kernel_table.h"
#include "tests/support/golden.h"
#include "tests/support/random_weights.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

constexpr std::uint64_t kHidden = 512, kFf = 1280;
constexpr int kTokens = 24;

std::string as_text(const void* data, std::size_t bytes) { return {static_cast<const char*>(data), bytes}; }

// Norms are such that a matrix keeps the size of what it multiplies.
test::GgufWriter model_of(FormatId format, bool as_floats) {
  std::mt19937 random(5);
  double squares = 0, count = 0;
  test::GgufWriter w = test::tiny_llama(
      {kHidden, kFf, format_info(as_floats ? kFormatF32 : format).gguf,
       [&](std::uint64_t cols, std::uint64_t rows) {
         const std::vector<std::byte> bytes = test::random_weights(format, int(rows), int(cols), random);
         const std::vector<float> floats = test::decoded(format, int(rows), int(cols), bytes);
         for (const float x : floats) squares += double(x) * x;
         count += double(floats.size());
         return as_floats ? as_text(floats.data(), floats.size() * sizeof(float))
                          : as_text(bytes.data(), bytes.size());
       }});
  const auto size = float(1 / std::sqrt(squares / count * kHidden));
  for (const char* name : {"blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "blk.1.attn_norm.weight",
                           "blk.1.ffn_norm.weight", "output_norm.weight"}) {
    std::string& data = test::tensor(w, name).data;
    data.clear();
    for (std::uint64_t i = 0; i < kHidden; ++i) data += test::encode(size);
  }
  return w;
}

// Logits of kTokens tokens, fed `step` at a time.
std::vector<float> logits(const Model& model, int step) {
  Session session(model, {.key_cache = CacheType::f32, .value_cache = CacheType::f32});
  std::vector<float> all;
  for (int i = 0; i < kTokens; i += step) {
    std::vector<Token> tokens;
    for (int t = i; t < i + step; ++t) tokens.push_back(Token(t * 37 % 250));
    session.feed(tokens,
                 [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  }
  return all;
}

class QuantizedWidths : public testing::TestWithParam<int> {
 protected:
  const FormatId format = FormatId(GetParam());
  const test::TempDir dir;

  std::string file(bool as_floats) const {
    const std::string path = dir.file(as_floats ? "floats.gguf" : "blocks.gguf");
    model_of(format, as_floats).write(path);
    return path;
  }
};

// Activations of 8 bits leave an error of some 1e-3, wrong scales one of 1.
TEST_P(QuantizedWidths, EqualTheSameWeightsAsFloats) {
  const std::vector<float> truth = logits(Model::load(file(true)), kTokens);
  const std::string quantized = file(false);
  for (const Kernels* k : available_kernels()) {
    for (const bool repack : {true, false}) {
      const Model model = Model::load(quantized, {.repack = repack, .isa = k->name});
      for (const int step : {1, 2, kTokens}) {
        EXPECT_LT(test::nmse(logits(model, step), truth), 5e-3)
            << k->name << (repack ? "" : " from rows") << ", " << step << " at a time";
      }
    }
  }
}

std::string format_name(const testing::TestParamInfo<int>& info) {
  return format_info(FormatId(info.param)).name;
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantizedWidths, testing::Range(0, kFormatCount), format_name);

}  // namespace
}  // namespace longhand
