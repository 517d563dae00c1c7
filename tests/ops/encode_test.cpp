// Every format that can be written: how much of the weights is lost, what importance changes, and what no
// input may do.
#include "ops/encode/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string_view>

#include "ops/encode/encoders.h"
#include "ops/random.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

constexpr std::int64_t kCols = 512;

std::vector<float> gaussian(std::size_t n, float deviation, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> d(0, deviation);
  std::vector<float> x(n);
  for (float& v : x) v = d(random);
  return x;
}

std::vector<float> uneven_importance(std::size_t n) {
  std::mt19937 random(5);
  std::lognormal_distribution<float> d(0, 2);
  std::vector<float> x(n);
  for (float& v : x) v = d(random);
  return x;
}

std::vector<std::byte> encoded(FormatId id, const std::vector<float>& x, std::int64_t cols,
                               std::span<const float> importance = {}) {
  const auto rows = std::int64_t(x.size()) / cols;
  std::vector<std::byte> bytes(row_bytes(id, cols) * std::size_t(rows));
  encode_rows(id, x.data(), rows, cols, importance, bytes.data());
  return bytes;
}

std::vector<float> decoded(FormatId id, const std::vector<std::byte>& bytes) {
  const FormatInfo& info = format_info(id);
  const std::size_t blocks = bytes.size() / info.block_bytes;
  std::vector<float> x(blocks * info.block_elements);
  decode_blocks(id, bytes.data(), std::int64_t(blocks), x.data());
  return x;
}

std::vector<float> written(FormatId id, const std::vector<float>& x, std::int64_t cols = kCols) {
  return decoded(id, encoded(id, x, cols));
}

class Encode : public testing::TestWithParam<int> {
 protected:
  FormatId id() const { return FormatId(GetParam()); }
  std::string_view name() const { return format_info(id()).name; }
  bool is_float() const { return name() == "F32" || name() == "F16" || name() == "BF16"; }
  // Whether all a block holds is one sign a weight.
  bool has_zero() const { return name() != "Q1_0" && name() != "IQ1_S" && name() != "IQ1_M"; }
};

// Share of the squares that is lost of weights with a normal distribution; what was measured and a little
// more.
struct Loss {
  std::string_view name;
  double nmse;
};
constexpr Loss kLosses[] = {{"F32", 0},         {"F16", 4.3e-08},    {"BF16", 2.75e-06},  {"Q8_0", 2.84e-05},
                            {"Q4_0", 0.00656},  {"Q4_1", 0.00486},   {"Q5_0", 0.00159},   {"Q5_1", 0.00113},
                            {"Q2_K", 0.0668},   {"Q3_K", 0.0207},    {"Q4_K", 0.00486},   {"Q5_K", 0.00117},
                            {"Q6_K", 0.000272}, {"IQ4_NL", 0.00535}, {"IQ4_XS", 0.00542}, {"MXFP4", 0.0124},
                            {"IQ1_S", 0.195},   {"IQ1_M", 0.169},    {"IQ2_XXS", 0.107},  {"IQ2_XS", 0.0815},
                            {"IQ2_S", 0.0572},  {"IQ3_XXS", 0.0315}, {"IQ3_S", 0.0167},   {"TQ1_0", 0.189},
                            {"TQ2_0", 0.189},   {"Q1_0", 0.361},     {"Q2_0", 0.123},     {"NVFP4", 0.0079}};

// Of some formats this build has no encoder.
std::vector<int> written_formats() {
  std::vector<int> ids;
  for (int id = 0; id < kFormatCount; ++id) {
    if (can_encode(FormatId(id))) ids.push_back(id);
  }
  return ids;
}

double loss_of(std::string_view name) { return std::ranges::find(kLosses, name, &Loss::name)->nmse; }

TEST_P(Encode, LosesLittleOfNormalWeights) {
  const auto x = gaussian(64 * kCols, 0.02f);
  EXPECT_LE(test::nmse(written(id(), x), x), 1.03 * loss_of(name()));
}

TEST_P(Encode, FindsTheBlockItDecoded) {
  if (id() == kFormatF32 || name() == "F16") return;  // of which there are no reference blocks
  const std::string meta = test::golden("quants/meta.json");
  LONGHAND_NEED_GOLDEN(meta);
  const auto about = nlohmann::json::parse(test::read_text(meta))[std::string(name())];
  const auto raw = test::read_bytes(test::golden("quants/" + std::string(name()) + ".bin"));
  const std::size_t size = format_info(id()).block_bytes;
  std::vector<std::byte> blocks;
  const auto& kinds = about["block_kinds"];
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] != "quantized") continue;
    blocks.insert(blocks.end(), raw.begin() + std::ptrdiff_t(i * size),
                  raw.begin() + std::ptrdiff_t((i + 1) * size));
  }
  if (blocks.empty()) return;  // where all are of random bits
  const auto want = decoded(id(), blocks);
  const auto got = written(id(), want, std::int64_t(format_info(id()).block_elements));
  // A search may end at another block that is nearly as good, most of all where scales and minima go
  // together.
  const bool minima = name() == "Q2_K" || name() == "Q4_K" || name() == "Q5_K";
  EXPECT_LE(test::nmse(got, want), loss_of(name()) * (minima ? 0.2 : 0.05));
}

TEST_P(Encode, ImportantWeightsLoseLess) {
  if (is_float() || name() == "Q8_0") return;  // which have nothing to choose
  const auto x = gaussian(32 * kCols, 1);
  const auto importance = uneven_importance(kCols);
  const auto with = encoded(id(), x, kCols, importance), without = encoded(id(), x, kCols);
  const double least = encode_error(id(), x.data(), 32, kCols, importance, with.data());
  const double other = encode_error(id(), x.data(), 32, kCols, importance, without.data());
  EXPECT_LT(least, 0.97 * other);
  EXPECT_GT(encode_error(id(), x.data(), 32, kCols, {}, with.data()),
            encode_error(id(), x.data(), 32, kCols, {}, without.data()));
}

TEST_P(Encode, EqualImportanceIsNone) {
  const auto x = gaussian(4 * kCols, 1);
  const std::vector<float> equal(kCols, 8), zero(kCols, 0);
  EXPECT_EQ(encoded(id(), x, kCols, equal), encoded(id(), x, kCols));
  EXPECT_EQ(encoded(id(), x, kCols, zero), encoded(id(), x, kCols));
}

TEST_P(Encode, ZerosStayZeros) {
  for (const float v : written(id(), std::vector<float>(2 * kCols, 0))) ASSERT_EQ(v, 0);
}

TEST_P(Encode, AnOutlierKeepsItsSize) {
  auto x = gaussian(kCols, 0.01f);
  x[100] = 3;
  const auto got = written(id(), x);
  // No grid has one large weight among seven small ones everywhere.
  const double off = name().starts_with("IQ2") ? 1.6 : name().starts_with("IQ3") ? 0.5 : 0.3;
  if (has_zero()) { EXPECT_NEAR(got[100], 3, off); }
  for (const float v : got) ASSERT_TRUE(std::isfinite(v));
}

TEST_P(Encode, TurnsSignsWithTheWeights) {
  // Levels that are not the same both ways, or signs that hang together, cost a little.
  const auto x = gaussian(16 * kCols, 1);
  auto y = x;
  for (float& v : y) v = -v;
  const double one = test::nmse(written(id(), x), x), other = test::nmse(written(id(), y), y);
  EXPECT_NEAR(one, other, 0.1 * one);
}

TEST_P(Encode, HugeAndTinyWeightsStayFinite) {
  for (const float size : {1e38f, 1e20f, 1e6f, 1e-6f, 1e-20f, 1e-38f, 1e-44f}) {
    auto x = gaussian(kCols, 0.3f);
    for (float& v : x) v *= size;
    for (const float v : written(id(), x)) ASSERT_TRUE(std::isfinite(v)) << size;
    const auto importance = std::vector<float>(kCols, size);
    for (const float v : decoded(id(), encoded(id(), x, kCols, importance))) ASSERT_TRUE(std::isfinite(v));
  }
}

TEST_P(Encode, BrokenWeightsSpoilOneBlock) {
  const auto whole = gaussian(kCols, 1);
  const std::size_t block = format_info(id()).block_elements, other = 511 / block * block;
  for (const float broken : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                             -std::numeric_limits<float>::infinity()}) {
    auto x = whole;
    x[3] = broken;
    const auto got = written(id(), x), want = written(id(), whole);
    for (std::size_t i = other; i < std::size_t{kCols}; ++i) ASSERT_EQ(got[i], want[i]);
    auto importance = std::vector<float>(kCols, 1);
    importance[3] = broken;
    const auto bytes = encoded(id(), whole, kCols, importance);
    ASSERT_TRUE(std::isfinite(decoded(id(), bytes)[3]));
  }
}

TEST_P(Encode, RowsDoNotDependOnOneAnother) {
  const std::int64_t cols = format_info(id()).block_elements == 1 ? 77 : 768;
  const auto x = gaussian(5 * std::size_t(cols), 1);
  const auto importance = uneven_importance(std::size_t(cols));
  const auto together = encoded(id(), x, cols, importance);
  const std::size_t bytes = row_bytes(id(), cols);
  for (std::size_t row = 0; row < 5; ++row) {
    const auto from = x.begin() + std::ptrdiff_t(row) * cols;
    const auto alone = encoded(id(), std::vector<float>(from, from + cols), cols, importance);
    ASSERT_EQ(std::memcmp(alone.data(), together.data() + row * bytes, bytes), 0) << row;
  }
}

TEST_P(Encode, EveryInstructionSetWritesTheSameBytes) {
  auto x = gaussian(8 * kCols, 1);
  for (std::size_t i = 0; i < x.size(); i += 97) x[i] *= 20;
  const auto importance = uneven_importance(kCols);
  const auto want = encoded(id(), x, kCols, importance);
  const std::size_t bytes = row_bytes(id(), kCols);
  for (const Encoders* e : available_encoders()) {
    std::vector<std::byte> got(want.size());
    for (std::size_t row = 0; row < 8; ++row)
      e->encode[id()](x.data() + row * kCols, kCols, importance.data(), got.data() + row * bytes);
    EXPECT_EQ(got, want) << isa_name(e->isa);
  }
}

// A scale is a float, so weights twice as large are written with the same codes.
TEST_P(Encode, TwiceTheWeightsAreTwiceWhatIsWritten) {
  if (name() == "NVFP4") return;  // whose scales have few exponents
  const auto x = gaussian(4 * kCols, 4);
  auto twice = x;
  for (float& v : twice) v *= 2;
  const auto one = written(id(), x), two = written(id(), twice);
  for (std::size_t i = 0; i < one.size(); ++i) ASSERT_EQ(two[i], 2 * one[i]) << i;
}

INSTANTIATE_TEST_SUITE_P(Formats, Encode, testing::ValuesIn(written_formats()),
                         [](const auto& info) { return format_info(FormatId(info.param)).name; });

TEST(EncodeFloats, TooLargeForHalfBecomesTheLargest) {
  const float x[] = {70000, -1e30f, std::numeric_limits<float>::infinity()};
  const auto id = FormatId(find_format(F16::info.gguf));
  const auto got = written(id, {std::begin(x), std::end(x)}, 3);
  EXPECT_EQ(got, (std::vector<float>{65504, -65504, std::numeric_limits<float>::infinity()}));
}

TEST(EncodeFormats, AllAreWrittenButThoseOfAnotherProgram) {
  EXPECT_EQ(written_formats().size(), std::size(kLosses));
  for (int id = 0; id < kFormatCount; ++id)
    EXPECT_EQ(can_encode(FormatId(id)), format_info(FormatId(id)).gguf < 100)
        << format_info(FormatId(id)).name;
}

TEST(EncodeFormats, ThoseOfTwoBitsAskForImportance) {
  std::vector<std::string_view> asking;
  for (int id = 0; id < kFormatCount; ++id) {
    if (needs_importance(FormatId(id))) asking.push_back(format_info(FormatId(id)).name);
  }
  std::ranges::sort(asking);
  EXPECT_EQ(asking, (std::vector<std::string_view>{"IQ1_M", "IQ1_S", "IQ2_XS", "IQ2_XXS"}));
}

// Weights that are multiples of one number come back as they are.
TEST(EncodeFormats, TernaryWeightsAreExact) {
  std::mt19937 random(3);
  std::vector<float> x(2 * kCols);
  for (float& v : x) v = 0.25f * float(int(random() % 3) - 1);
  for (const FormatInfo* info : {&TQ1_0::info, &TQ2_0::info, &Q2_0::info})
    EXPECT_EQ(written(FormatId(find_format(info->gguf)), x), x) << info->name;
}

// The number is that of an x86; ARM must come to the same. Where a search is meant to find something else it
// changes.
TEST(EncodeFormats, BytesAreThoseOfOtherProcessors) {
  Random random(11);
  std::vector<float> x(4 * kCols), importance(kCols);
  for (float& v : x) {
    v = float(int(random.next() % 2001) - 1000) * float(1 + random.next() % 3);
    if (random.next() % 64 == 0) v *= 10;
  }
  for (float& v : importance) v = float(1 + random.next() % 1000);
  std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
  for (const int id : written_formats()) {
    for (const std::byte b : encoded(FormatId(id), x, kCols, importance))
      hash = (hash ^ std::uint64_t(b)) * 0x100000001B3;
  }
  EXPECT_EQ(hash, 2738963568590003806u);
}

}  // namespace
}  // namespace longhand
