// Models whose rows lie interleaved in the file compute what the same rows one after the other compute.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "engine/longhand.h"
#include "ops/format.h"
#include "ops/interleaved.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

struct GroupedType {
  std::uint32_t gguf;
  bool floats;  // a group begins with a float of each row, else with a half
};

class InterleavedModel : public testing::TestWithParam<GroupedType> {
 protected:
  static constexpr std::uint64_t kHidden = 512, kFf = 768;
  const FormatId format = FormatId(find_interleaved(GetParam().gguf));
  const test::TempDir dir;

  // Random bits behind scales that are small numbers, in each group of rows or in each block of one.
  std::string random_rows(std::uint64_t cols, std::uint64_t rows, std::mt19937& random) const {
    const FormatInfo& info = format_info(format);
    const auto together = std::size_t(interleaved_rows(format));
    std::string bytes(std::size_t(rows) * interleaved_row_bytes(format, std::int64_t(cols)), '\0');
    for (char& b : bytes) b = char(random() & 0xFF);
    const std::size_t group = together * interleaved_row_bytes(format, std::int64_t(cols));
    const std::size_t step = GetParam().floats ? group : together * info.block_bytes;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      for (std::size_t k = 0; k < together; ++k) {
        const float scale = 0.00002f * float(1 + random() % 4);
        const std::uint16_t half = f32_to_f16(scale);
        if (GetParam().floats) {
          std::memcpy(bytes.data() + at + 4 * k, &scale, sizeof scale);
        } else {
          std::memcpy(bytes.data() + at + 2 * k, &half, sizeof half);
        }
      }
    }
    return bytes;
  }
  std::string apart(std::uint64_t cols, std::uint64_t rows, const std::string& bytes) const {
    const FormatInfo& info = format_info(format);
    const MatView view{format, Layout::interleaved, std::int32_t(rows), std::int32_t(cols),
                       reinterpret_cast<const std::byte*>(bytes.data())};
    std::string plain(std::size_t(rows) * row_bytes(format, std::int64_t(cols)), '\0');
    auto* at = reinterpret_cast<std::byte*>(plain.data());
    for (std::int32_t r = 0; r < view.rows; ++r) {
      take_head(view, r, at);
      at += info.row_head;
      for (std::uint64_t b = 0; b < cols / info.block_elements; ++b, at += info.block_bytes)
        take_block(view, r, std::int64_t(b), at);
    }
    return plain;
  }
  std::string file(bool interleaved) const {
    std::mt19937 random(3);
    const std::string path = dir.file(interleaved ? "interleaved.gguf" : "rows.gguf");
    test::tiny_llama({kHidden, kFf, interleaved ? GetParam().gguf : format_info(format).gguf,
                      [&](std::uint64_t cols, std::uint64_t rows) {
                        const std::string bytes = random_rows(cols, rows, random);
                        return interleaved ? bytes : apart(cols, rows, bytes);
                      }})
        .write(path);
    return path;
  }
};

std::vector<float> logits(const Model& model) {
  Session session(model);
  std::vector<float> all;
  session.feed(std::vector<Token>{5, 80, 7, 290, 31, 100, 2},
               [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
  return all;
}

TEST_P(InterleavedModel, ComputesWhatItsRowsCompute) {
  const std::vector<float> want = logits(Model::load(file(false)));
  const std::string path = file(true);
  for (const bool repack : {true, false}) EXPECT_EQ(logits(Model::load(path, {.repack = repack})), want);
  for (const float x : want) ASSERT_EQ(x - x, 0);
}

INSTANTIATE_TEST_SUITE_P(Types, InterleavedModel,
                         testing::Values(GroupedType{339, false}, GroupedType{344, true},
                                         GroupedType{214, false}, GroupedType{216, false}),
                         [](const auto& info) { return "id" + std::to_string(info.param.gguf); });

}  // namespace
}  // namespace longhand
