// A session's state in a file: exact when it is taken up again, and refused whole when anything is wrong.
#include "engine/state_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "loaders/checksum.h"
#include "tests/support/allocations.h"
#include "tests/support/golden.h"
#include "tests/support/memories.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand {
namespace {

using test::read_text;
using test::TempDir;
using testing::AllOf;
using testing::HasSubstr;

// The same shape and metadata under every seed.
Model tiny_of(int seed) {
  const TempDir dir;
  const std::string path = dir.file("tiny.gguf");
  test::GgufWriter writer = test::tiny_llama();
  std::string& weights = test::tensor(writer, "blk.1.ffn_down.weight").data;
  // Q8_0: blocks of a scale (2 bytes) and 32 values.
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (i % 34 >= 2) weights[i] = char(int(weights[i]) ^ seed);
  }
  writer.write(path);
  return Model::load(path);
}

const Model& tiny() {
  static const Model model = tiny_of(0);
  return model;
}

std::vector<Token> text(int n, unsigned state = 1) {
  std::vector<Token> ids;
  for (int i = 0; i < n; ++i) {
    state = state * 1664525 + 1013904223;
    ids.push_back(Token((state >> 16) % 256));
  }
  return ids;
}

std::vector<float> copy(std::span<const float> s) { return {s.begin(), s.end()}; }

template <class Function>
Errc code_of(const Function& f, std::string* message = nullptr) {
  try {
    f();
  } catch (const Error& e) {
    if (message != nullptr) *message = e.what();
    EXPECT_EQ(std::strchr(e.what(), '\n'), nullptr);
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Errc::busy;
}

using Case = test::MemoryCase;

SessionOptions options_of(const Case& c, CacheType type = CacheType::f16, int context = 1400) {
  SessionOptions o;
  o.context = context;
  o.threads = 1;
  o.batch = 64;
  o.key_cache = o.value_cache = type;
  o.attention = c.attention;
  return o;
}

// Logits of `more`, and of a rewind, and of more again: what a user may do next.
std::vector<float> go_on(Session& session, const std::vector<Token>& more) {
  std::vector<float> out = copy(session.logits(session.size() - 1));
  const auto add = [&](int, std::span<const float> row) { out.insert(out.end(), row.begin(), row.end()); };
  session.feed(more, add);
  for (const int back : {7, 120}) {
    session.rewind(std::max(1, session.size() - back));
    session.feed(more, add);
  }
  return out;
}

class States : public testing::TestWithParam<Case> {
 protected:
  TempDir dir_;
  std::string path_ = dir_.file("talk.state");
};

TEST_P(States, GoOnBitForBit) {
  for (const CacheType type : {CacheType::f32, CacheType::f16, CacheType::bf16}) {
    SessionOptions o = options_of(GetParam(), type);
    Session saved(tiny(), o), longer(tiny(), o);
    longer.feed(text(900, 9));  // of which nothing may be left
    int fed = 0;
    for (const int size : {1, 40, 130, 512, 700, 1100}) {
      saved.feed(std::span<const Token>(text(1100)).subspan(std::size_t(fed), std::size_t(size - fed)));
      fed = size;
      saved.save_state(path_);
      EXPECT_EQ(std::filesystem::file_size(path_), saved.state_bytes());
      o.threads = 2;
      Session other(tiny(), o);
      other.restore_state(path_);
      longer.restore_state(path_);
      EXPECT_TRUE(std::ranges::equal(other.tokens(), saved.tokens()));
      const auto want = go_on(saved, text(20, 3));
      ASSERT_EQ(go_on(other, text(20, 3)), want) << size;
      ASSERT_EQ(go_on(longer, text(20, 3)), want) << size;
      saved.restore_state(path_);
    }
  }
}

TEST_P(States, KnowAboutRewinds) {
  const SessionOptions o = options_of(GetParam());
  for (const int size : {1040, 950, 600, 100, 0}) {
    Session saved(tiny(), o), restored(tiny(), o), fresh(tiny(), o);
    const auto ids = text(1050), more = text(30, 5);
    saved.feed(ids);
    saved.rewind(size);
    saved.save_state(path_);
    restored.restore_state(path_);
    EXPECT_EQ(restored.size(), size);
    if (size > 0) fresh.feed(std::span(ids).first(std::size_t(size)));
    ASSERT_EQ(copy(restored.feed(more)), copy(fresh.feed(more))) << size;
  }
}

TEST_P(States, AreAsSmallAsTheirText) {
  const auto bytes = [](int context, int tokens) {
    Session session(tiny(), options_of(GetParam(), CacheType::f16, context));
    session.feed(text(tokens));
    return session.state_bytes();
  };
  // What a memory sums up has a size of its own; the rest is the text's, not what the context reserves.
  const std::uint64_t few = bytes(100'000, 20);
  EXPECT_EQ(few, bytes(900'000, 20));
  EXPECT_LT(bytes(100'000, 100) - few, 40'000u);
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Tiny, States,
                         testing::ValuesIn(test::memory_cases().begin(), test::memory_cases().end()),
                         name_of);

TEST(StateOfGuide, GoesOnUnderEveryCacheType) {
  const Model guide = Model::load(std::string(LONGHAND_GUIDE) + "/guide-q8_0.gguf");
  const TempDir dir;
  const auto ids = guide.encode("What is the KV cache? It keeps keys and values of earlier tokens.");
  const AttentionOptions memories[] = {{},
                                       {.memory = "window", .window = 9, .sinks = 2},
                                       {.memory = "vq", .window = 3, .sinks = 1, .codes = 4}};
  for (const CacheType keys : {CacheType::f32, CacheType::f16, CacheType::q8_0, CacheType::bf16}) {
    for (const AttentionOptions& attention : memories) {
      const CacheType values = keys == CacheType::f16 ? CacheType::q8_0 : keys;
      SessionOptions o;
      o.attention = attention;
      o.context = 256;
      o.key_cache = keys;
      o.value_cache = values;
      Session saved(guide, o), restored(guide, o);
      saved.feed(ids);
      saved.save_state(dir.file("state"));
      restored.restore_state(dir.file("state"));
      for (int i = 0; i < 32; ++i) {
        const std::vector<Token> next = {Token(100 + i * 7)};
        ASSERT_EQ(copy(restored.feed(next)), copy(saved.feed(next)));
      }
    }
  }
}

// A state file of a few kilobytes, and a session that must survive all that is done to it.
class DamagedState : public testing::Test {
 protected:
  static SessionOptions options() {
    return options_of({"vq", {.memory = "vq", .window = 2, .sinks = 1, .codes = 4, .exact = 4}},
                      CacheType::f16, 64);
  }
  void SetUp() override {
    Session saved(tiny(), options());
    saved.feed(text(14));
    saved.save_state(path_);
    content_ = read_text(path_);
    session_.feed(text(9, 4));
    logits_ = copy(session_.logits(8));
  }
  // In place: file systems flush a file that is emptied and written again, which takes its time.
  void put(const std::string& content) const {
    std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary) << content;
    if (std::filesystem::file_size(path_) != content.size())
      std::filesystem::resize_file(path_, content.size());
  }
  Errc restore(const std::string& content, std::string* message = nullptr) {
    put(content);
    return code_of([&] { session_.restore_state(path_); }, message);
  }
  void expect_untouched() {
    EXPECT_TRUE(std::ranges::equal(session_.tokens(), text(9, 4)));
    ASSERT_EQ(copy(session_.logits(8)), logits_);
    session_.feed(text(5, 6));
    session_.rewind(9);
  }
  // The offset of a section's content.
  std::size_t section(int number) const {
    std::size_t at = 24;
    for (; number > 0; --number) {
      std::uint64_t length = 0;
      std::memcpy(&length, content_.data() + at + 8, sizeof length);
      at += 16 + std::size_t(length);
    }
    return at + 16;
  }
  // `content_` with other bytes in a section, whose checksum holds.
  std::string forged(int number, std::size_t offset, const std::string& bytes) const {
    std::string out = content_;
    const std::size_t at = section(number);
    out.replace(at + offset, bytes.size(), bytes);
    std::uint64_t length = 0;
    std::memcpy(&length, out.data() + at - 8, sizeof length);
    std::uint32_t sum = crc32c(out.substr(at - 16, 4));
    sum = crc32c(out.substr(at - 8, 8 + std::size_t(length)), sum);
    std::memcpy(out.data() + at - 12, &sum, sizeof sum);
    return out;
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
  EXPECT_TRUE(std::ranges::equal(session_.tokens(), text(14)));
}

TEST_F(DamagedState, EveryBitOfASmallOneIsWatched) {
  const SessionOptions o = options_of({"full", {}}, CacheType::f16, 64);
  Session saved(tiny(), o), session(tiny(), o);
  saved.feed(text(4));
  saved.save_state(path_);
  session.feed(text(9, 4));
  const auto before = copy(session.logits(8));
  expect_flips_refused(session, path_, [](std::size_t, int) { return true; });
  EXPECT_TRUE(std::ranges::equal(session.tokens(), text(9, 4)));
  EXPECT_EQ(copy(session.logits(8)), before);
  session.restore_state(path_);
  EXPECT_EQ(copy(session.logits(3)), copy(saved.logits(3)));
  RecordProperty("bits", int(8 * std::filesystem::file_size(path_)));
}

// Right sums over wrong numbers: what only somebody else's program writes.
TEST_F(DamagedState, ForgeriesAreRefusedToo) {
  const auto u32 = [](std::uint32_t x) { return std::string(reinterpret_cast<const char*>(&x), sizeof x); };
  for (const std::uint32_t bad : {15u, 65u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu}) {
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
      session_.feed(text(3));
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

TEST(ForeignState, IsRefusedByName) {
  const TempDir dir;
  const std::string path = dir.file("state");
  const SessionOptions o = options_of({"window", {.memory = "window", .window = 30, .sinks = 2}});
  Session saved(tiny(), o);
  saved.feed(text(100));
  saved.save_state(path);
  const auto with = [&](const Model& model, const char* name, auto change) {
    SessionOptions other = o;
    change(other);
    Session session(model, other);
    session.feed(text(10));
    const auto before = copy(session.logits(9));
    std::string message;
    EXPECT_EQ(code_of([&] { session.restore_state(path); }, &message), Errc::mismatch) << name;
    EXPECT_THAT(message, AllOf(HasSubstr(path), HasSubstr(name)));
    EXPECT_EQ(copy(session.logits(9)), before);
    EXPECT_EQ(session.size(), 10);
  };
  const auto same = [](SessionOptions&) {};
  with(tiny_of(1), "'model ", same);
  with(tiny(), "context 1400", [](auto& s) { s.context = 1401; });
  with(tiny(), "batch", [](auto& s) { s.batch = 65; });
  with(tiny(), "key_cache f16", [](auto& s) { s.key_cache = CacheType::f32; });
  with(tiny(), "value_cache bf16", [](auto& s) { s.value_cache = CacheType::bf16; });  // of the same size
  with(tiny(), "memory window", [](auto& s) { s.attention = {}; });
  with(tiny(), "window 30", [](auto& s) { s.attention.window = 31; });
  with(tiny(), "sinks", [](auto& s) { s.attention.sinks = 3; });
  with(tiny(), "log_n", [](auto& s) { s.attention.log_n = 50; });
  with(tiny(), "rope_factor", [](auto& s) { s.rope.factor = 2; });
  with(tiny(), "rope_base", [](auto& s) { s.rope.base = 5000; });
  // That is said before the rest is read, which may take long.
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-100, std::ios::end) << "damage";
  file.close();
  with(tiny(), "context 1400", [](auto& s) { s.context = 1401; });
  saved.save_state(path);
  SessionOptions other = o;
  other.threads = 2;
  other.attention.checkpoints = 0;
  Session session(tiny_of(0), other);
  session.restore_state(path);
  EXPECT_EQ(copy(session.logits(99)), copy(saved.logits(99))) << "the same model, loaded again";
}

// Fails at call number `at`.
class FailingCalls : public FileCalls {
 public:
  int at = -1, count = 0;

  int open(const char* path, int flags, mode_t mode) override {
    return fails() ? -1 : FileCalls::open(path, flags, mode);
  }
  ssize_t write(int fd, const void* data, std::size_t size) override {
    return fails() ? -1 : FileCalls::write(fd, data, size);
  }
  int fsync(int fd) override { return fails() ? -1 : FileCalls::fsync(fd); }
  int rename(const char* from, const char* to) override { return fails() ? -1 : FileCalls::rename(from, to); }

 private:
  bool fails() {
    errno = ENOSPC;
    return count++ == at;
  }
};

TEST(WriteState, AFailureAtAnyCallLeavesAWholeState) {
  const TempDir dir;
  const std::string path = dir.file("state");
  const SessionOptions o = options_of(test::memory_cases()[0], CacheType::f16, 64);
  const ModelData& data = tiny().data();
  const MemoryPlan plan = plan_memory(data.config, o.attention);
  Memories memories(data.config, data.weights, o, plan, 64, 64);
  memories.reserve();
  memories.will_write(40);
  const StateOwner owner = state_owner(data, o, plan, 64, 64);
  const auto save = [&](int tokens, int fail_at) {
    FailingCalls calls;
    calls.at = fail_at;
    write_state(path, owner, {text(tokens), tokens}, memories, calls);
    return calls.count;
  };
  const int calls = save(20, -1);
  ASSERT_GE(calls, 10);
  const std::string before = read_text(path);
  for (int k = 0; k < calls; ++k) {
    EXPECT_EQ(code_of([&] { save(40, k); }), Errc::io) << k;
    const bool placed = k >= calls - 2;  // only the folder could not be flushed
    EXPECT_EQ(read_text(path) == before, !placed) << k;
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1) << k;
    save(20, -1);
  }
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST(WriteState, NotFromACallback) {
  const TempDir dir;
  Session session(tiny(), options_of(test::memory_cases()[0], CacheType::f16, 64));
  session.feed(text(5));
  session.save_state(dir.file("state"));
  const auto refused = [&](auto use) {
    return code_of([&] { session.feed(text(3), [&](int, std::span<const float>) { use(); }); });
  };
  EXPECT_EQ(refused([&] { session.save_state(dir.file("other")); }), Errc::busy);
  EXPECT_EQ(refused([&] { session.restore_state(dir.file("state")); }), Errc::busy);
  EXPECT_EQ(code_of([&] { session.save_state(dir.file("no/such/folder")); }), Errc::io);
  EXPECT_EQ(session.size(), 5);
}

}  // namespace
}  // namespace longhand
