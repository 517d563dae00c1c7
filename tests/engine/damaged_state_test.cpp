// State files cut, flipped, forged and swapped: refused whole, and the session goes on as if nothing had been
// asked.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/state/checksum.h"
#include "tests/support/allocations.h"
#include "tests/support/error_code.h"
#include "tests/support/forged_state.h"
#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

using test::code_of;
using test::copy_of;
using test::read_text;
using test::some_tokens;
using test::TempDir;
using test::tiny;
using testing::AllOf;
using testing::HasSubstr;

// A state file of a few kilobytes, and a session that must survive all that is done to it.
class DamagedState : public testing::Test {
 protected:
  static SessionOptions options() {
    return test::small_session({.memory = "vq", .window = 2, .sinks = 1, .codes = 4, .exact = 4});
  }
  void SetUp() override {
    Session saved(tiny(), options());
    saved.feed(some_tokens(14));
    saved.save_state(path_);
    content_ = read_text(path_);
    session_.feed(some_tokens(9, 4));
    logits_ = copy_of(session_.logits(8));
  }
  // In place: file systems flush a file that is emptied and written again, which takes its time.
  void put(const std::string& content) const {
    std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary) << content;
    if (std::filesystem::file_size(path_) != content.size())
      std::filesystem::resize_file(path_, content.size());
  }
  std::optional<Errc> restore(const std::string& content, std::string* message = nullptr) {
    put(content);
    return code_of([&] { session_.restore_state(path_); }, message);
  }
  void expect_untouched() {
    EXPECT_TRUE(std::ranges::equal(session_.tokens(), some_tokens(9, 4)));
    ASSERT_EQ(copy_of(session_.logits(8)), logits_);
    session_.feed(some_tokens(5, 6));
    session_.rewind(9);
  }
  std::size_t section(int number) const { return test::state_section(content_, number); }
  std::string forged(int number, std::size_t offset, const std::string& bytes) const {
    return test::forged_state(content_, number, offset, bytes);
  }

  TempDir dir_;
  std::string path_ = dir_.file("state"), content_;
  Session session_{tiny(), options()};
  std::vector<float> logits_;
};

TEST_F(DamagedState, IsSmallEnoughToTryAll) { EXPECT_LE(content_.size(), 20'000u); }

TEST_F(DamagedState, EveryCutIsSeen) {
  for (std::size_t n = content_.size(); n-- > 0;)
    ASSERT_THAT(restore(content_.substr(0, n)), testing::AnyOf(Errc::truncated, Errc::corrupt)) << n;
  expect_untouched();
  EXPECT_EQ(restore(content_ + "x"), Errc::corrupt);
  EXPECT_EQ(restore(content_ + content_), Errc::corrupt);
}

// Every bit where `watched(byte, bit)`, flipped in place: file systems take their time for new content.
void expect_flips_refused(Session& session, const std::string& path, auto watched) {
  const std::string content = read_text(path);
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(file, 0);
  const auto set = [&](std::size_t at, char byte) { ASSERT_EQ(::pwrite(file, &byte, 1, off_t(at)), 1); };
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      if (!watched(i, bit)) continue;
      set(i, char(content[i] ^ 1 << bit));
      ASSERT_THAT(code_of([&] { session.restore_state(path); }),
                  testing::AnyOf(Errc::magic, Errc::version, Errc::truncated, Errc::corrupt))
          << "byte " << i << " bit " << bit;
    }
    set(i, content[i]);
  }
  ::close(file);
}

TEST_F(DamagedState, EveryByteIsWatched) {
  put(content_);
  // The heads in full.
  expect_flips_refused(session_, path_, [](std::size_t i, int bit) { return i < 200 || bit == int(i % 8); });
  expect_untouched();
  session_.restore_state(path_);
  EXPECT_TRUE(std::ranges::equal(session_.tokens(), some_tokens(14)));
}

TEST_F(DamagedState, EveryBitOfASmallOneIsWatched) {
  const SessionOptions o = test::small_session();
  Session saved(tiny(), o), session(tiny(), o);
  saved.feed(some_tokens(4));
  saved.save_state(path_);
  session.feed(some_tokens(9, 4));
  const auto before = copy_of(session.logits(8));
  expect_flips_refused(session, path_, [](std::size_t, int) { return true; });
  EXPECT_TRUE(std::ranges::equal(session.tokens(), some_tokens(9, 4)));
  EXPECT_EQ(copy_of(session.logits(8)), before);
  session.restore_state(path_);
  EXPECT_EQ(copy_of(session.logits(3)), copy_of(saved.logits(3)));
  RecordProperty("bits", int(8 * std::filesystem::file_size(path_)));
}

// Right sums over wrong numbers: what only somebody else's program writes.
TEST_F(DamagedState, ForgeriesAreRefusedToo) {
  const auto u32 = [](std::uint32_t x) { return std::string(reinterpret_cast<const char*>(&x), sizeof x); };
  for (const std::uint32_t bad : {15u, 129u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu}) {
    for (const std::size_t field : {0u, 4u, 8u, 12u}) {
      if (field == 4 && bad == 15) continue;  // as after a rewind
      EXPECT_EQ(restore(forged(1, field, u32(bad))), Errc::corrupt) << field << " " << bad;
    }
  }
  for (const std::uint32_t token : {300u, 0x7FFFFFFFu, 0xFFFFFFFFu})
    EXPECT_EQ(restore(forged(1, 16, u32(token))), Errc::corrupt);
  // How many tokens have left each head's window.
  for (const std::uint32_t taken : {1u, 13u, 14u, 64u, 0x7FFFFFFFu, 0xFFFFFFFFu})
    EXPECT_EQ(restore(forged(2, 0, u32(taken))), Errc::corrupt) << taken;
  expect_untouched();
}

// Whatever a forger puts anywhere: the session either refuses it or lives with it.
TEST_F(DamagedState, NoForgeryLeadsOutside) {
  const auto value = [](unsigned x) { return std::string(4, char(x)); };
  std::size_t taken_over = 0;
  for (const int layer : {2, 3}) {
    const std::size_t length = section(layer + 1) - 16 - section(layer);
    for (std::size_t at = 0; at + 4 <= length; at += 4) {
      constexpr unsigned kBad[] = {0x01, 0x7B, 0xFF};
      put(forged(layer, at, value(kBad[at / 4 % 3])));
      try {
        session_.restore_state(path_);
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), Errc::corrupt);
        continue;
      }
      ++taken_over;
      session_.feed(some_tokens(3));
    }
  }
  EXPECT_GT(taken_over, 0u);
}

// A gigabyte of nothing, of which the disk holds a few kilobytes.
TEST_F(DamagedState, ALengthIsBelievedOnlyWhereItFits) {
  constexpr std::uint64_t kSize = 1 << 30;
  for (const int number : {0, 1, 2}) {
    std::string start = content_.substr(0, section(number));
    const std::uint64_t length = kSize - start.size() - sizeof kSize;
    std::memcpy(start.data() + start.size() - sizeof length, &length, sizeof length);
    std::memcpy(start.data() + 16, &kSize, sizeof kSize);
    put(start);
    std::filesystem::resize_file(path_, kSize - sizeof kSize);
    std::ofstream(path_, std::ios::binary | std::ios::app)
        .write(reinterpret_cast<const char*>(&kSize), sizeof kSize);
    ASSERT_EQ(std::filesystem::file_size(path_), kSize);
    std::string message;
    const test::AllocationMeter meter;
    EXPECT_EQ(code_of([&] { session_.restore_state(path_); }, &message), Errc::corrupt);
    EXPECT_LT(meter.peak_bytes(), 1u << 20) << number;
    EXPECT_THAT(message, AllOf(HasSubstr("section " + std::to_string(number) + ":"),
                               HasSubstr("length is " + std::to_string(length))));
    put("");
  }
  expect_untouched();
}

TEST_F(DamagedState, WhatIsNoFileOfOursIsNot) {
  std::string message;
  EXPECT_EQ(restore("", &message), Errc::truncated);
  EXPECT_EQ(restore(std::string(100, 'x'), &message), Errc::magic);
  EXPECT_THAT(message, AllOf(HasSubstr("state"), HasSubstr("not a saved state")));
  EXPECT_EQ(code_of([&] { session_.restore_state(dir_.file("nowhere")); }), Errc::io);
  EXPECT_EQ(code_of([&] { session_.restore_state(dir_.path().string()); }), Errc::io);
  std::filesystem::rename(path_, dir_.file("real"));
  dir_.write("real", content_);
  std::filesystem::create_symlink(dir_.file("real"), path_);
  EXPECT_EQ(code_of([&] { session_.restore_state(path_); }), Errc::io) << "links are not followed";
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(code_of([&] { session_.restore_state(path_); }), Errc::io) << "and nobody waits at a pipe";
  expect_untouched();
}

}  // namespace
}  // namespace longhand
