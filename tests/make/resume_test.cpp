// Quantizing and converting go on where an earlier run was ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "engine/longhand_convert.h"
#include "engine/longhand_edit.h"
#include "engine/longhand_quantize.h"
#include "engine/make/imatrix/importance.h"
#include "tests/make/hub_folder.h"
#include "tests/make/small_file.h"
#include "tests/support/error_code.h"
#include "tests/support/golden.h"

namespace longhand {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::read_text;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

Progress stop_at(float share) {
  return [share](float done) { return done < share; };
}

struct Quantizing {
  test::TempDir dir;
  std::string in = test::write_file(dir, test::small_file()), out = dir.write("out.gguf", "old");
  std::string whole = fresh({.type = "Q4_K_S"});

  std::string fresh(const QuantizeOptions& options) const {
    quantize(in, dir.file("fresh.gguf"), options);
    const std::string bytes = read_text(dir.file("fresh.gguf"));
    fs::remove(dir.file("fresh.gguf"));
    return bytes;
  }
  // Leaves what it has written.
  void end_at(float share, QuantizeOptions options = {.type = "Q4_K_S"}) const {
    options.keep_seconds = 0;
    options.progress = stop_at(share);
    std::string message;
    EXPECT_EQ(code_of([&] { quantize(in, out, options); }, &message), Errc::cancelled);
    EXPECT_THAT(message, HasSubstr("goes on from there"));
    EXPECT_EQ(read_text(out), "old");
  }
  void expect_only_out() const {
    EXPECT_THAT(names_in(dir.path()), UnorderedElementsAre("in.gguf", "out.gguf"));
  }
};

TEST(Resume, QuantizingGoesOnToTheSameBytes) {
  for (const float share : {0.1f, 0.3f, 0.5f, 0.7f, 0.9f, 1.0f}) {
    const Quantizing q;
    q.end_at(share);
    EXPECT_TRUE(fs::exists(q.out + ".new.journal"));
    q.end_at(share + 0.05f > 1 ? 1.0f : share + 0.05f);
    quantize(q.in, q.out, {.type = "Q4_K_S"});
    EXPECT_EQ(read_text(q.out), q.whole) << share;
    q.expect_only_out();
  }
}

// What is found whole is not computed again: a source that has become unreadable meanwhile would be seen.
TEST(Resume, FinishedTensorsAreTakenAsTheyAre) {
  const Quantizing q;
  q.end_at(0.9f);
  const std::string left = read_text(q.out + ".new");
  ASSERT_GT(left.size(), 4096u);
  std::vector<float> shares;
  quantize(q.in, q.out, {.type = "Q4_K_S", .progress = [&](float share) {
                           // The file on the disk is as long as before while what is there is passed over.
                           if (share < 0.85f) shares.push_back(float(fs::file_size(q.out + ".new")));
                           return true;
                         }});
  ASSERT_FALSE(shares.empty());
  EXPECT_EQ(shares.front(), shares.back());
  EXPECT_EQ(read_text(q.out), q.whole);
}

TEST(Resume, BeginsAnewWithOtherOptionsOrSources) {
  const Quantizing q;
  q.end_at(0.9f);
  quantize(q.in, q.out, {.type = "Q4_0"});
  EXPECT_EQ(read_text(q.out), q.fresh({.type = "Q4_0"}));
  q.expect_only_out();

  const Quantizing other;
  other.end_at(0.9f);
  test::GgufWriter changed = test::small_file();
  changed.tensors[0].data[100] ^= 1;
  changed.write(other.in);
  quantize(other.in, other.out, {.type = "Q4_K_S"});
  EXPECT_EQ(read_text(other.out), other.fresh({.type = "Q4_K_S"}));
  other.expect_only_out();
}

TEST(Resume, WhatDoesNotHoldIsMadeAgain) {
  const auto spoil = [](const std::string& path, std::size_t at) {
    std::string bytes = read_text(path);
    bytes.at(bytes.size() - at) ^= 1;
    std::ofstream(path, std::ios::binary) << bytes;
  };
  const auto cut = [](const std::string& path, std::size_t bytes) {
    fs::resize_file(path, fs::file_size(path) - bytes);
  };
  for (int way = 0; way < 6; ++way) {
    const Quantizing q;
    q.end_at(0.9f);
    const std::string left = q.out + ".new", journal = left + ".journal";
    if (way == 0) spoil(left, 1);
    if (way == 1) spoil(left, fs::file_size(left));
    if (way == 2) spoil(journal, 2);
    if (way == 3) cut(left, 1000);
    if (way == 4) cut(journal, 3);
    if (way == 5) fs::remove(journal);
    quantize(q.in, q.out, {.type = "Q4_K_S"});
    EXPECT_EQ(read_text(q.out), q.whole) << way;
    q.expect_only_out();
  }
}

TEST(Resume, ShortRunsLeaveNothing) {
  const Quantizing q;
  EXPECT_EQ(code_of([&] { quantize(q.in, q.out, {.type = "Q4_K_S", .progress = stop_at(0.5f)}); }),
            Errc::cancelled);
  q.expect_only_out();
}

TEST(Resume, ConvertingGoesOnToTheSameBytes) {
  for (const float share : {0.2f, 0.6f, 0.95f}) {
    const test::TempDir dir;
    test::tiny_qwen3().write(dir.path() / "hub");
    const std::string hub = dir.file("hub"), out = dir.write("out.gguf", "old");
    convert_model(hub, dir.file("whole.gguf"));
    ConvertOptions ended;
    ended.keep_seconds = 0;
    ended.progress = stop_at(share);
    EXPECT_EQ(code_of([&] { convert_model(hub, out, ended); }), Errc::cancelled);
    EXPECT_EQ(read_text(out), "old");
    EXPECT_TRUE(fs::exists(out + ".new.journal"));
    convert_model(hub, out);
    EXPECT_EQ(read_text(out), read_text(dir.file("whole.gguf")));
    EXPECT_THAT(names_in(dir.path()), UnorderedElementsAre("hub", "out.gguf", "whole.gguf"));
  }
}

// Another matrix whose name and numbers in the head of the file are the same.
TEST(Resume, BeginsAnewWithAnotherImportanceMatrix) {
  const Quantizing q;
  const std::string path = q.dir.file("m.gguf");
  const auto write = [&](float last) {
    ImportanceMatrix matrix;
    for (const char* name : {"blk.0.attn_q.weight", "blk.0.attn_v.weight", "output.weight"}) {
      ImportanceEntry& entry = matrix.entries[name];
      for (int i = 0; i < 256; ++i) entry.sums.push_back(i < 128 ? 1 : last);
      entry.counts = {1};
    }
    write_importance(matrix, path);
  };
  const QuantizeOptions options = {.type = "Q4_0", .importance = path};
  write(1);
  q.end_at(0.9f, options);
  write(1000);
  quantize(q.in, q.out, options);
  EXPECT_EQ(read_text(q.out), q.fresh(options));
}

TEST(Resume, ConvertingBeginsAnewWithOtherWeights) {
  const test::TempDir dir;
  test::HubFolder hub = test::tiny_qwen3();
  hub.write(dir.path() / "hub");
  ConvertOptions ended;
  ended.keep_seconds = 0;
  ended.progress = stop_at(0.6f);
  EXPECT_EQ(code_of([&] { convert_model(dir.file("hub"), dir.file("out.gguf"), ended); }), Errc::cancelled);
  for (test::HubTensor& tensor : hub.tensors) tensor.bytes[1] ^= 1;
  hub.write(dir.path() / "hub");
  convert_model(dir.file("hub"), dir.file("out.gguf"));
  convert_model(dir.file("hub"), dir.file("fresh.gguf"));
  EXPECT_EQ(read_text(dir.file("out.gguf")), read_text(dir.file("fresh.gguf")));
}

TEST(Resume, PartsGoOnToTheSameBytes) {
  const Quantizing q;
  const std::vector<ModelPart> parts = split_model(q.in, q.dir.file("part"), {.max_tensors = 3});
  const QuantizeOptions options = {.type = "Q4_K_S", .keep_split = true};
  quantize(parts[0].path, q.dir.file("whole.gguf"), options);
  QuantizeOptions ended = options;
  ended.keep_seconds = 0;
  ended.progress = stop_at(0.8f);
  EXPECT_EQ(code_of([&] { quantize(parts[0].path, q.out, ended); }), Errc::cancelled);
  const QuantizeReport report = quantize(parts[0].path, q.out, options);
  ASSERT_EQ(report.files.size(), 3u);
  for (const std::string& file : report.files) {
    std::string whole = file;
    whole.replace(whole.rfind("out-"), 3, "whole");
    EXPECT_EQ(read_text(file), read_text(whole)) << file;
    EXPECT_FALSE(fs::exists(file + ".new"));
    EXPECT_FALSE(fs::exists(file + ".new.journal"));
  }
}

// What the system refuses a program is as good an end as what the user does.
TEST(Resume, AFullDiskLeavesWhatIsDone) {
  const Quantizing q;
  struct rlimit usual {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &usual), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit low { q.whole.size() * 3 / 4, usual.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
  std::string message;
  const auto code = code_of([&] { quantize(q.in, q.out, {.type = "Q4_K_S", .keep_seconds = 0}); }, &message);
  ::setrlimit(RLIMIT_FSIZE, &usual);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(code, Errc::io);
  EXPECT_THAT(message, HasSubstr("goes on from there"));
  EXPECT_EQ(read_text(q.out), "old");
  EXPECT_TRUE(fs::exists(q.out + ".new.journal"));
  quantize(q.in, q.out, {.type = "Q4_K_S"});
  EXPECT_EQ(read_text(q.out), q.whole);
  q.expect_only_out();
}

TEST(Resume, NothingIsKeptWithoutAJournal) {
  const Quantizing q;
  fs::create_directory(q.out + ".new.journal");
  std::string message;
  const QuantizeOptions ended = {.type = "Q4_K_S", .keep_seconds = 0, .progress = stop_at(0.9f)};
  EXPECT_EQ(code_of([&] { quantize(q.in, q.out, ended); }, &message), Errc::cancelled);
  EXPECT_THAT(message, testing::Not(HasSubstr("kept")));
  EXPECT_FALSE(fs::exists(q.out + ".new"));
}

TEST(Resume, LookingAtWhatIsThereCanBeEnded) {
  const Quantizing q;
  q.end_at(0.9f);
  const std::string left = read_text(q.out + ".new"), journal = read_text(q.out + ".new.journal");
  int told = 0;
  const auto never = [&](float) { return ++told < 2; };
  EXPECT_EQ(code_of([&] { quantize(q.in, q.out, {.type = "Q4_K_S", .progress = never}); }), Errc::cancelled);
  EXPECT_EQ(read_text(q.out + ".new"), left);
  EXPECT_EQ(read_text(q.out + ".new.journal"), journal);
  quantize(q.in, q.out, {.type = "Q4_K_S"});
  EXPECT_EQ(read_text(q.out), q.whole);
}

// The process of a death test runs the test again up to what is to end it: it must find the same folder.
struct SharedFolder {
  static constexpr const char* kName = "LONGHAND_TEST_FOLDER";
  std::optional<test::TempDir> own;
  fs::path path;
  SharedFolder() {
    if (const char* given = std::getenv(kName)) {
      path = given;
    } else {
      path = own.emplace().path();
      ::setenv(kName, path.c_str(), 1);
    }
  }
  ~SharedFolder() {
    if (own) ::unsetenv(kName);
  }
};

class Killed : public testing::TestWithParam<float> {};

TEST_P(Killed, GoesOnToTheSameBytes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const SharedFolder folder;
  const std::string in = folder.path / "in.gguf", out = folder.path / "out.gguf",
                    whole = folder.path / "whole.gguf";
  const QuantizeOptions options = {.type = "Q4_K_S", .threads = 1};
  if (folder.own) {
    test::small_file().write(in);
    std::ofstream(out) << "old";
    quantize(in, whole, options);
  }
  QuantizeOptions ended = options;
  ended.progress = [](float share) {
    if (share >= GetParam()) ::raise(SIGKILL);
    return true;
  };
  EXPECT_EXIT(quantize(in, out, ended), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(read_text(out), "old");
  EXPECT_TRUE(fs::exists(out + ".new"));
  quantize(in, out, options);
  EXPECT_EQ(read_text(out), read_text(whole));
  EXPECT_THAT(names_in(folder.path), UnorderedElementsAre("in.gguf", "out.gguf", "whole.gguf"));
}

INSTANTIATE_TEST_SUITE_P(Points, Killed, testing::Values(0.0f, 0.4f, 0.8f, 1.0f));

}  // namespace
}  // namespace longhand
