// Files that are wrong, cut short, spoiled or enormous: each is refused with an Error that says why, at small
// cost.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <ctime>
#include <filesystem>
#include <new>
#include <optional>

#include "loaders/gguf/gguf.h"
#include "tests/support/allocations.h"
#include "tests/support/bad_gguf.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kMiB = 1 << 20;
constexpr std::uint64_t k2p31 = 1ULL << 31, k2p32 = 1ULL << 32, k2p63 = 1ULL << 63;

// Reads everything a Gguf shows; sanitizers see any view that leaves the file.
std::size_t read_all(const Gguf& file) {
  std::size_t sum = 0;
  const auto add = [&](auto bytes) {
    for (const auto byte : bytes) sum += std::uint8_t(byte);
  };
  for (const MetaEntry& entry : file.metadata()) add(entry.key), add(entry.data);
  for (const TensorInfo& tensor : file.tensors()) add(tensor.name), add(tensor.data);
  return sum;
}

void expect_good_file_opens() {
  const auto bytes = small_gguf().bytes();
  const Gguf file = Gguf::parse(bytes, "good.gguf");
  EXPECT_EQ(file.tensors().size(), small_gguf().tensors.size());
  EXPECT_EQ(file.architecture(), "llama");
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::size_t(std::distance(begin(all), end(all)));
}

// Of this process: a busy machine does not make a test fail.
double cpu_seconds_since(std::clock_t start) { return double(std::clock() - start) / CLOCKS_PER_SEC; }

// The error of parsing or opening, or nothing.
template <class Load>
std::optional<Error> refusal(Load load) {
  try {
    read_all(load());
  } catch (const Error& error) { return error; }
  return std::nullopt;
}

void expect_clear(const Error& error, const BadFile& bad) {
  const std::string message = error.what();
  EXPECT_EQ(errc_name(error.code()), errc_name(bad.code)) << message;
  EXPECT_THAT(message, HasSubstr(bad.says));
  EXPECT_THAT(message, HasSubstr("bad.gguf: "));
  EXPECT_THAT(message, HasSubstr("(offset "));
  EXPECT_LE(message.size(), 500U);
  EXPECT_EQ(escape_controls(message, message.size()), message) << "must be one printable line";
}

class BadGguf : public ::testing::TestWithParam<BadFile> {};

TEST_P(BadGguf, IsRefusedFromMemory) {
  const BadFile& bad = GetParam();
  const auto bytes = to_bytes(bad.bytes);
  const AllocationMeter meter;
  const auto error = refusal([&] { return Gguf::parse(bytes, "bad.gguf"); });
  EXPECT_LT(meter.peak_bytes(), kMiB + 4 * bytes.size());
  ASSERT_TRUE(error.has_value()) << "was accepted";
  expect_clear(*error, bad);
  expect_good_file_opens();
}

TEST_P(BadGguf, IsRefusedFromDisk) {
  const BadFile& bad = GetParam();
  const TempDir folder;
  const std::string path = folder.write("bad.gguf", bad.bytes);
  const std::size_t descriptors = open_descriptors();
  const std::clock_t start = std::clock();
  const auto error = refusal([&] { return Gguf::open(path); });
  EXPECT_LT(cpu_seconds_since(start), 2.0);
  ASSERT_TRUE(error.has_value()) << "was accepted";
  expect_clear(*error, bad);
  EXPECT_THAT(error->what(), ::testing::Not(HasSubstr(folder.path().string())));
  EXPECT_EQ(open_descriptors(), descriptors);
}

INSTANTIATE_TEST_SUITE_P(Corpus, BadGguf, ::testing::ValuesIn(bad_gguf_files()),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(SpoiledGguf, CutAtAnyByteIsTruncated) {
  for (const std::uint32_t version : {2U, 3U}) {
    GgufWriter writer = small_gguf();
    writer.version = version;
    const std::string good = writer.build();
    for (std::size_t length = 0; length < good.size(); ++length) {
      const auto bytes = to_bytes(good.substr(0, length));
      const auto error = refusal([&] { return Gguf::parse(bytes, "cut.gguf"); });
      ASSERT_TRUE(error.has_value()) << "accepted when cut to " << length;
      EXPECT_EQ(error->code(), Errc::truncated) << error->what();
    }
    expect_good_file_opens();
  }
}

TEST(SpoiledGguf, AnyFlippedBitIsReadOrRefused) {
  const std::string good = small_gguf().build();
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string spoiled = good;
    spoiled[bit / 8] = char(spoiled[bit / 8] ^ (1 << (bit % 8)));
    const auto bytes = to_bytes(spoiled);
    accepted += refusal([&] { return Gguf::parse(bytes, "flipped.gguf"); }) ? 0 : 1;
  }
  // Values and data may change unnoticed, but not structure: counts, types, lengths and offsets are half of
  // the file.
  EXPECT_GT(accepted, 8 * good.size() / 4);
  EXPECT_LT(accepted, 8 * good.size() * 3 / 4);
  expect_good_file_opens();
}

TEST(SpoiledGguf, AnyByteSetToAnExtremeIsReadOrRefused) {
  const std::string good = small_gguf().build();
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const unsigned value : {0x00U, 0x01U, 0x7FU, 0x80U, 0xFFU}) {
      std::string spoiled = good;
      spoiled[i] = char(value);
      const auto bytes = to_bytes(spoiled);
      refusal([&] { return Gguf::parse(bytes, "spoiled.gguf"); });
    }
  }
  expect_good_file_opens();
}

TEST(SpoiledGguf, AnyIntegerAtItsBoundariesIsReadOrRefusedAtSmallCost) {
  const GgufWriter writer = small_gguf();
  const std::string good = writer.build();
  const auto fields = writer.fields();
  ASSERT_GT(fields.size(), 70U);
  for (const GgufWriter::Field& field : fields) {
    std::uint64_t now = 0;
    std::memcpy(&now, good.data() + field.offset, field.bytes);
    const std::uint64_t values[] = {0,         1,         now - 1,   now + 1,   now * 2, ~now,
                                    k2p31 - 1, k2p31,     k2p31 + 1, k2p32 - 1, k2p32,   k2p63 - 1,
                                    k2p63,     k2p63 + 1, ~0ULL - 1, ~0ULL};
    for (const std::uint64_t value : values) {
      std::string spoiled = good;
      std::memcpy(spoiled.data() + field.offset, &value, field.bytes);
      const auto bytes = to_bytes(spoiled);
      const AllocationMeter meter;
      const auto error = refusal([&] { return Gguf::parse(bytes, "spoiled.gguf"); });
      EXPECT_LT(meter.peak_bytes(), kMiB) << field.name << " = " << value;
      EXPECT_LE(error ? std::string(error->what()).size() : 0U, 500U);
    }
  }
  expect_good_file_opens();
}

TEST(SpoiledGguf, AFailedAllocationLeavesNothingBehind) {
  const auto bytes = small_gguf().bytes();
  std::size_t n = 0;
  for (;; ++n) {
    FailingAllocation failure(n);
    try {
      read_all(Gguf::parse(bytes, "good.gguf"));
    } catch (const std::bad_alloc&) {}
    if (!failure.failed()) break;
    ASSERT_LT(n, 1000U);
  }
  EXPECT_GT(n, 3U);
  expect_good_file_opens();
}

TEST(ManyEntries, DirectoriesAtTheLimitsOpenWithinASecond) {
  GgufWriter writer;
  for (int i = 0; i < 65536; ++i) writer.add(fmt::format("key.{}", i), std::uint8_t{1});
  for (int i = 0; i < 262144; ++i) writer.tensors.push_back({fmt::format("t{}", i), {1}, 24, "x"});
  const auto bytes = writer.bytes();
  const std::clock_t start = std::clock();
  const AllocationMeter meter;
  const Gguf file = Gguf::parse(bytes, "many.gguf");
  const double seconds = cpu_seconds_since(start);
  const std::size_t peak = meter.peak_bytes();
  EXPECT_EQ(file.metadata().size(), 65536U);
  EXPECT_EQ(file.tensors().size(), 262144U);
  EXPECT_EQ(file.find_tensor("t262143"), &file.tensors().back());
  EXPECT_LT(seconds, 1.0);
  const std::size_t metadata_bytes = std::size_t(file.tensors().front().data.data() - bytes.data());
  EXPECT_LT(peak, 16 * kMiB + 4 * metadata_bytes);
  RecordProperty("milliseconds", int(seconds * 1000));
}

TEST(ManyEntries, ALastDuplicateIsFoundWithinASecond) {
  GgufWriter writer;
  for (int i = 0; i < 65535; ++i) writer.add(fmt::format("key.{}", i), std::uint8_t{1});
  writer.add("key.0", std::uint8_t{1});
  const auto bytes = writer.bytes();
  const std::clock_t start = std::clock();
  const auto error = refusal([&] { return Gguf::parse(bytes, "many.gguf"); });
  EXPECT_LT(cpu_seconds_since(start), 1.0);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code(), Errc::duplicate);
  EXPECT_THAT(error->what(), HasSubstr("'key.0'"));
}

TEST(ManyEntries, ACountAloneCostsNothing) {
  // 16 MiB of zeros behind a header that promises a full directory.
  GgufWriter writer;
  writer.tensor_count = 262144;
  writer.key_count = 65536;
  const auto bytes = to_bytes(writer.build() + std::string(16 * kMiB, '\0'));
  const AllocationMeter meter;
  const auto error = refusal([&] { return Gguf::parse(bytes, "zeros.gguf"); });
  EXPECT_LT(meter.peak_bytes(), kMiB);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code(), Errc::range) << error->what();
}

}  // namespace
}  // namespace longhand::test
