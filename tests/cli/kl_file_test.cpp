#include "cli/measure/kl_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>

#include "cli/measure/kl_stats.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"

namespace longhand::cli {
namespace {

using testing::HasSubstr;

constexpr KlHeader kHeader{.vocab = 5, .context = 6, .first = 3, .chunks = 2};  // 2 * 2 rows

std::vector<float> logits_of(unsigned seed, std::size_t vocab, float spread = 3) {
  std::mt19937 random(seed);
  std::normal_distribution<float> any(0, spread);
  std::vector<float> out(vocab);
  for (float& x : out) x = any(random);
  return out;
}

std::vector<double> log_softmax(const std::vector<float>& logits) {
  double sum = 0;
  for (const float x : logits) sum += std::exp(double{x});
  std::vector<double> out;
  for (const float x : logits) out.push_back(double{x} - std::log(sum));
  return out;
}

class KlFile : public testing::Test {
 protected:
  std::string write() {
    const std::string path = dir_.file("base");
    std::vector<std::int32_t> tokens(kHeader.tokens());
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = std::int32_t(i % 5);
    KlWriter writer(path, kHeader, tokens);
    for (int row = 0; row < 4; ++row) writer.add(logits_of(row, kHeader.vocab));
    writer.finish();
    return path;
  }

  // The file with `value` at byte `at`, and cut to `size`.
  template <class T>
  std::string spoiled(std::size_t at, T value, std::size_t size = std::string::npos) {
    std::string bytes = test::read_text(write());
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return dir_.write("spoiled", bytes.substr(0, size));
  }

  static Errc failure(const std::string& path) {
    try {
      KlReader reader(path);
      for (std::uint64_t row = 0; row < reader.header().rows(); ++row) reader.row(row);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("spoiled"));
      return error.code();
    }
    ADD_FAILURE() << "was read";
    return Errc::io;
  }

  test::TempDir dir_;
};

TEST_F(KlFile, GivesBackWhatWasWritten) {
  KlReader reader(write());
  EXPECT_EQ(reader.header(), kHeader);
  ASSERT_EQ(reader.tokens().size(), 12u);
  EXPECT_EQ(reader.tokens()[7], 2);
  for (int row = 0; row < 4; ++row) {
    const auto truth = log_softmax(logits_of(row, 5));
    const auto got = reader.row(std::uint64_t(row));
    double sum = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      EXPECT_NEAR(got[i], truth[i], 25.0 / 65535);
      sum += std::exp(got[i]);
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST_F(KlFile, KeepsRowsOfEveryShape) {
  const std::string path = dir_.file("base");
  const KlHeader header{.vocab = 3, .context = 5, .first = 0, .chunks = 1};
  const float none = -std::numeric_limits<float>::infinity();
  {
    KlWriter writer(path, header, std::vector<std::int32_t>(5));
    writer.add(std::vector<float>{2, 2, 2});
    writer.add(std::vector<float>{1000, 0, none});  // tokens a model never writes
    writer.add(std::vector<float>{-1e30f, 0, 1e-30f});
    writer.add(std::vector<float>{0, -5, -50});
    writer.finish();
  }
  KlReader reader(path);
  EXPECT_NEAR(reader.row(0)[1], std::log(1.0 / 3), 1e-6);
  EXPECT_NEAR(reader.row(1)[0], 0, 1e-6);
  EXPECT_LT(reader.row(1)[2], -24);
  EXPECT_NEAR(reader.row(2)[1], std::log(0.5), 1e-6);
  EXPECT_NEAR(reader.row(3)[1], -5.0067, 1e-3);
}

TEST_F(KlFile, WithoutFinishNothingIsLeft) {
  const std::string path = dir_.file("base");
  { KlWriter writer(path, kHeader, std::vector<std::int32_t>(12)); }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(KlFile, RefusesLyingHeaders) {
  constexpr std::uint32_t kHuge = 0xFFFFFFFF;
  EXPECT_EQ(failure(spoiled(0, 'x')), Errc::magic);
  EXPECT_EQ(failure(spoiled(8, std::uint32_t{2})), Errc::version);
  for (const std::size_t field : {12u, 16u, 20u, 24u}) EXPECT_EQ(failure(spoiled(field, kHuge)), Errc::range);
  EXPECT_EQ(failure(spoiled(12, std::uint32_t{0})), Errc::range);
  EXPECT_EQ(failure(spoiled(16, std::uint32_t{1})), Errc::range);
  EXPECT_EQ(failure(spoiled(20, std::uint32_t{5})), Errc::range);  // no row would be left
  EXPECT_EQ(failure(spoiled(24, std::uint32_t{1} << 30)), Errc::truncated);
  EXPECT_EQ(failure(spoiled(12, std::uint32_t{7})), Errc::truncated);
}

TEST_F(KlFile, RefusesEveryOtherLength) {
  const std::size_t size = std::filesystem::file_size(write());
  for (std::size_t cut = 0; cut < size; ++cut) {
    const Errc code = failure(spoiled(0, 'L', cut));
    EXPECT_EQ(code, cut < 32 ? Errc::magic : Errc::truncated) << cut;
  }
  const std::string longer = dir_.write("spoiled", test::read_text(write()) + "x");
  EXPECT_EQ(failure(longer), Errc::truncated);
}

TEST_F(KlFile, RefusesRowsWithoutAScale) {
  constexpr std::size_t kFirstRow = 32 + 12 * 4;
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), 1e30f}) {
    EXPECT_EQ(failure(spoiled(kFirstRow, bad)), Errc::corrupt);
    EXPECT_EQ(failure(spoiled(kFirstRow + 4, bad)), Errc::corrupt);
  }
  EXPECT_EQ(failure(spoiled(kFirstRow + 4, -1.0f)), Errc::corrupt);
  EXPECT_EQ(failure(spoiled(kFirstRow, -1e30f)), Errc::corrupt);  // every probability would be 0
}

TEST(KlStats, OfEqualModelsIsZero) {
  KlStats stats;
  const auto logits = logits_of(1, 100);
  stats.add(log_softmax(logits), logits, 3);
  EXPECT_NEAR(stats.mean(), 0, 1e-12);
  EXPECT_EQ(stats.top_agreement(), 1);
  EXPECT_NEAR(stats.rms_change(), 0, 1e-12);
  EXPECT_NEAR(std::log(stats.base_perplexity()), -log_softmax(logits)[3], 1e-12);
}

TEST(KlStats, ClosedForm) {
  // p = (3/4, 1/4), q = (1/4, 3/4): KL = 3/4 ln 3 - 1/4 ln 3
  KlStats stats;
  const float log3 = std::log(3.0f);
  stats.add(log_softmax({log3, 0}), std::vector<float>{0, log3}, 0);
  EXPECT_NEAR(stats.mean(), 0.5 * std::log(3), 1e-6);
  EXPECT_EQ(stats.top_agreement(), 0);
  EXPECT_NEAR(stats.mean_change(), -0.5, 1e-6);
}

TEST(KlStats, Quantiles) {
  KlStats stats;
  for (int i = 0; i <= 100; ++i) {  // q = (e^-a, ...): KL((1, 0) || q) = a
    const double a = 0.01 * i;
    const auto rest = float(std::log(std::expm1(a) + 1e-12));
    stats.add(std::vector<double>{0, -100}, std::vector<float>{0, rest}, 0);
  }
  EXPECT_NEAR(stats.quantile(0.5), 0.5, 1e-4);
  EXPECT_NEAR(stats.quantile(0.99), 0.99, 1e-4);
  EXPECT_NEAR(stats.quantile(1), 1, 1e-4);
  EXPECT_NEAR(stats.mean(), 0.5, 1e-4);
}

}  // namespace
}  // namespace longhand::cli
