// Text that leaves the middle of a session, and chats that make use of it.
#include "engine/chat/context_shift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <optional>

#include "tests/support/error_code.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

using test::code_of;

std::vector<Token> counting(int from, int to) {
  std::vector<Token> out(std::size_t(to - from));
  std::iota(out.begin(), out.end(), from);
  return out;
}

TEST(FindHeld, IsTheLongestBeginningThatStandsSomewhere) {
  std::vector<Token> held = counting(0, 100);
  EXPECT_EQ(find_held(held, 10, counting(40, 120)).begin, 40U);
  EXPECT_EQ(find_held(held, 10, counting(40, 120)).count, 60U);
  EXPECT_EQ(find_held(held, 50, counting(40, 60)).count, 0U) << "only from there on";
  EXPECT_EQ(find_held(held, 10, counting(200, 300)).count, 0U);
  EXPECT_EQ(find_held(held, 10, counting(40, 43)).count, 0U) << "too short";
  EXPECT_EQ(find_held(held, 1000, counting(40, 60)).count, 0U);
  const std::vector<Token> twice = counting(40, 52);
  held.insert(held.begin() + 20, twice.begin(), twice.end());
  EXPECT_EQ(find_held(held, 10, counting(40, 120)).begin, 52U) << "the longer of two";
}

// One layer, whose keys and values follow from each token alone: there, moved keys are those of the shorter
// text.
class CutSession : public testing::Test {
 protected:
  CutSession() {
    test::GgufWriter writer = test::tiny_llama();
    std::erase_if(writer.tensors, [](const auto& tensor) { return tensor.name.starts_with("blk.1."); });
    std::erase_if(writer.entries, [](const auto& entry) { return entry.key == "llama.block_count"; });
    writer.add("llama.block_count", std::uint32_t{1});
    writer.write(dir_.file("m"));
    model_.emplace(Model::load(dir_.file("m"), {.threads = 1}));
  }
  Session session(CacheType type, const RopeOptions& rope = {}) const {
    SessionOptions options;
    options.context = 1024;
    options.threads = 1;
    options.batch = 64;
    options.key_cache = options.value_cache = type;
    options.rope = rope;
    return Session(*model_, options);
  }
  // Distance of the logits after a cut from those of the shorter text, relative.
  double error(CacheType type, const RopeOptions& rope = {}) const {
    Session cut = session(type, rope), shorter = session(type, rope);
    for (const auto& part : {head_, middle_, tail_}) cut.feed(part);
    EXPECT_TRUE(cut.cut(int(head_.size()), int(head_.size() + middle_.size())));
    for (const auto& part : {head_, tail_}) shorter.feed(part);
    EXPECT_TRUE(std::ranges::equal(cut.tokens(), shorter.tokens()));
    const auto now = test::copy_of(cut.feed(test::some_tokens(9, 4)));
    const std::span<const float> then = shorter.feed(test::some_tokens(9, 4));
    double sum = 0, all = 0;
    for (std::size_t i = 0; i < now.size(); ++i) {
      sum += std::pow(double(now[i]) - double(then[i]), 2);
      all += std::pow(double(then[i]), 2);
    }
    return sum / all;
  }

  const std::vector<Token> head_ = test::some_tokens(20, 1), middle_ = test::some_tokens(333, 2),
                           tail_ = test::some_tokens(200, 3);
  test::TempDir dir_;
  std::optional<Model> model_;
};

TEST_F(CutSession, IsTheShorterTextWhereKeysFollowFromTokensAlone) {
  EXPECT_LT(error(CacheType::f32), 1e-9);
  EXPECT_LT(error(CacheType::f16), 1e-5);
  EXPECT_LT(error(CacheType::bf16), 1e-3);
  EXPECT_LT(error(CacheType::f32, {.scaling = RopeScaling::yarn, .factor = 4}), 1e-9) << "with a magnitude";
}

TEST_F(CutSession, LeavesAForkAlone) {
  Session first = session(CacheType::f16);
  first.feed(head_);
  first.feed(tail_);
  Session other = first.fork();
  const auto before = test::copy_of(other.logits(other.size() - 1));
  ASSERT_TRUE(first.cut(3, 40));
  EXPECT_EQ(other.size(), int(head_.size() + tail_.size()));
  EXPECT_EQ(test::copy_of(other.logits(other.size() - 1)), before);
}

TEST_F(CutSession, RefusesWhatCannotBeMoved) {
  Session quantized = session(CacheType::f16);
  quantized.feed(head_);
  EXPECT_EQ(code_of([&] { quantized.cut(-1, 3); }), Errc::range);
  EXPECT_EQ(code_of([&] { quantized.cut(4, 3); }), Errc::range);
  EXPECT_EQ(code_of([&] { quantized.cut(4, 21); }), Errc::range);
  EXPECT_EQ(quantized.size(), 20);
  for (const test::NamedMemory& memory : test::small_memories()) {
    Session other(test::tiny(), test::small_session(memory.attention));
    other.feed(head_);
    EXPECT_EQ(other.cut(3, 7), memory.attention.memory.empty() || memory.attention.memory == "full")
        << memory.name;
    EXPECT_EQ(code_of([&] { other.feed(tail_); }), Errc::context_full);
  }
  Session q8(test::tiny(), test::small_session({}, CacheType::f16));
  q8.feed(head_);
  EXPECT_TRUE(q8.cut(20, 20)) << "nothing is always possible";
}

TEST_F(CutSession, IsSavedAndRestoredAsItIs) {
  Session cut = session(CacheType::f16), later = session(CacheType::f16);
  for (const auto& part : {head_, middle_, tail_}) cut.feed(part);
  ASSERT_TRUE(cut.cut(20, 353));
  cut.save_state(dir_.file("state"));
  later.restore_state(dir_.file("state"));
  EXPECT_EQ(test::copy_of(later.feed(head_)), test::copy_of(cut.feed(head_)));
}

}  // namespace
}  // namespace longhand
