// A session's state in a file: exact when it is taken up again, and refused whole when anything is wrong.
#include "engine/state/state_file.h"
#include "engine/api/access.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/error_code.h"
#include "tests/support/golden.h"
#include "tests/support/memories.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
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
  std::vector<float> out = copy_of(session.logits(session.size() - 1));
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
    longer.feed(some_tokens(900, 9));  // of which nothing may be left
    int fed = 0;
    for (const int size : {1, 40, 130, 512, 700, 1100}) {
      saved.feed(
          std::span<const Token>(some_tokens(1100)).subspan(std::size_t(fed), std::size_t(size - fed)));
      fed = size;
      saved.save_state(path_);
      EXPECT_EQ(std::filesystem::file_size(path_), saved.state_bytes());
      o.threads = 2;
      Session other(tiny(), o);
      other.restore_state(path_);
      longer.restore_state(path_);
      EXPECT_TRUE(std::ranges::equal(other.tokens(), saved.tokens()));
      const auto want = go_on(saved, some_tokens(20, 3));
      ASSERT_EQ(go_on(other, some_tokens(20, 3)), want) << size;
      ASSERT_EQ(go_on(longer, some_tokens(20, 3)), want) << size;
      saved.restore_state(path_);
    }
  }
}

TEST_P(States, InMemoryAreWhatIsInFiles) {
  const SessionOptions o = options_of(GetParam());
  Session saved(tiny(), o), restored(tiny(), o);
  saved.feed(some_tokens(700));
  saved.save_state(path_);
  const std::vector<std::byte> state = saved.save_state();
  EXPECT_EQ(state, test::read_bytes(path_));
  restored.feed(some_tokens(30, 4));
  restored.restore_state(state);
  EXPECT_TRUE(std::ranges::equal(restored.tokens(), saved.tokens()));
  EXPECT_EQ(go_on(restored, some_tokens(20, 3)), go_on(saved, some_tokens(20, 3)));
}

TEST_P(States, InMemoryAreRefusedAsFilesAre) {
  const SessionOptions o = options_of(GetParam());
  Session saved(tiny(), o), session(tiny(), o);
  saved.feed(some_tokens(100));
  session.feed(some_tokens(9, 5));
  const std::vector<float> before = copy_of(session.logits(8));
  std::vector<std::byte> state = saved.save_state();
  const auto refusal = [&](std::span<const std::byte> given) {
    const auto code = code_of([&] { session.restore_state(given); });
    EXPECT_EQ(session.size(), 9);
    EXPECT_EQ(copy_of(session.logits(8)), before);
    return code;
  };
  EXPECT_EQ(refusal({}), Errc::truncated);
  EXPECT_EQ(refusal(std::span(state).first(state.size() - 1)), Errc::truncated);
  EXPECT_EQ(code_of([&] { saved.save_state(std::span(state).first(state.size() - 1)); }), Errc::range);
  state[state.size() / 2] ^= std::byte{1};
  EXPECT_EQ(refusal(state), Errc::corrupt);
  state[0] ^= std::byte{1};
  EXPECT_EQ(refusal(state), Errc::magic);
}

TEST_P(States, KnowAboutRewinds) {
  const SessionOptions o = options_of(GetParam());
  for (const int size : {1040, 950, 600, 100, 0}) {
    Session saved(tiny(), o), restored(tiny(), o), fresh(tiny(), o);
    const auto ids = some_tokens(1050), more = some_tokens(30, 5);
    saved.feed(ids);
    saved.rewind(size);
    saved.save_state(path_);
    restored.restore_state(path_);
    EXPECT_EQ(restored.size(), size);
    if (size > 0) fresh.feed(std::span(ids).first(std::size_t(size)));
    ASSERT_EQ(copy_of(restored.feed(more)), copy_of(fresh.feed(more))) << size;
  }
}

TEST_P(States, AreAsSmallAsTheirText) {
  const auto bytes = [](int context, int tokens) {
    Session session(tiny(), options_of(GetParam(), CacheType::f16, context));
    session.feed(some_tokens(tokens));
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
  for (const CacheType keys : {CacheType::f32, CacheType::f16, CacheType::q8_0, CacheType::bf16,
                               CacheType::q4_1, CacheType::iq4_nl}) {
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
        ASSERT_EQ(copy_of(restored.feed(next)), copy_of(saved.feed(next)));
      }
    }
  }
}

TEST(ForeignState, IsRefusedByName) {
  const TempDir dir;
  const std::string path = dir.file("state");
  const SessionOptions o = options_of({"window", {.memory = "window", .window = 30, .sinks = 2}});
  Session saved(tiny(), o);
  saved.feed(some_tokens(100));
  saved.save_state(path);
  const auto with = [&](const Model& model, const char* name, auto change) {
    SessionOptions other = o;
    change(other);
    Session session(model, other);
    session.feed(some_tokens(10));
    const auto before = copy_of(session.logits(9));
    std::string message;
    EXPECT_EQ(code_of([&] { session.restore_state(path); }, &message), Errc::mismatch) << name;
    EXPECT_THAT(message, AllOf(HasSubstr(path), HasSubstr(name)));
    EXPECT_EQ(copy_of(session.logits(9)), before);
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
  with(tiny(), "attention.sinks", [](auto& s) { s.attention.sinks = 3; });
  with(tiny(), "attention.log_n", [](auto& s) { s.attention.log_n = 50; });
  with(tiny(), "rope.factor", [](auto& s) { s.rope.factor = 2; });
  with(tiny(), "rope.base", [](auto& s) { s.rope.base = 5000; });
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
  EXPECT_EQ(copy_of(session.logits(99)), copy_of(saved.logits(99))) << "the same model, loaded again";
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
  const ModelData& data = model_data(tiny());
  const MemoryPlan plan = plan_memory(data.config, o);
  longhand::States memories(data.config, data.weights, o, plan, 64, 64);
  memories.reserve();
  memories.will_write(0, 40);
  const StateOwner owner = state_owner(data, o, plan, 64, 64, nullptr);
  const auto save = [&](int tokens, int fail_at) {
    FailingCalls calls;
    calls.at = fail_at;
    write_state(path, owner, {some_tokens(tokens), tokens}, memories, calls);
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
  session.feed(some_tokens(5));
  session.save_state(dir.file("state"));
  const auto refused = [&](auto use) {
    return code_of([&] { session.feed(some_tokens(3), [&](int, std::span<const float>) { use(); }); });
  };
  EXPECT_EQ(refused([&] { session.save_state(dir.file("other")); }), Errc::busy);
  EXPECT_EQ(refused([&] { session.restore_state(dir.file("state")); }), Errc::busy);
  EXPECT_EQ(code_of([&] { session.save_state(dir.file("no/such/folder")); }), Errc::io);
  EXPECT_EQ(session.size(), 5);
}

}  // namespace
}  // namespace longhand
