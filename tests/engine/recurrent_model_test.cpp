// Models with recurrent layers, some without any attention: what they remember is of one size however long a
// text is, goes into files and comes back, and keeps to the context.
#include <gtest/gtest.h>

#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/golden_model.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand {
namespace {

SessionOptions options_of(int context) {
  SessionOptions o;
  o.context = context;
  o.batch = 24;
  o.threads = 2;
  o.key_cache = o.value_cache = CacheType::f32;
  return o;
}

class RecurrentModel : public test::GoldenModel {};

TEST_P(RecurrentModel, PiecesGiveTheSameLogits) {
  const std::vector<Token> text = test::some_tokens(90, 2);
  Session whole(model(), options_of(128));
  const std::vector<float> want = test::copy_of(whole.feed(text));
  for (const std::size_t piece : {1u, 7u, 24u, 25u}) {
    Session session(model(), options_of(128));
    std::vector<float> last;
    for (std::size_t at = 0; at < text.size(); at += piece)
      last = test::copy_of(session.feed(std::span(text).subspan(at, std::min(piece, text.size() - at))));
    EXPECT_EQ(last, want) << "pieces of " << piece;
  }
}

TEST_P(RecurrentModel, ASavedStateGoesOn) {
  const test::TempDir dir;
  const std::string path = dir.file("state");
  const std::vector<Token> begin = test::some_tokens(70, 3), more = test::some_tokens(30, 4);
  Session session(model(), options_of(128));
  session.feed(begin);
  session.save_state(path);
  const std::vector<float> want = test::copy_of(session.feed(more));
  Session other(model(), options_of(128));
  other.restore_state(path);
  EXPECT_EQ(other.size(), 70);
  EXPECT_EQ(test::copy_of(other.feed(more)), want);
  // Going back to before what was restored computes it again.
  other.rewind(20);
  other.feed(std::span(begin).subspan(20));
  EXPECT_EQ(test::copy_of(other.feed(more)), want);
}

TEST_P(RecurrentModel, TheContextIsALimit) {
  Session session(model(), options_of(40));
  const std::vector<Token> text = test::some_tokens(41, 5);
  EXPECT_EQ(test::code_of([&] { session.feed(text); }), Errc::context_full);
  EXPECT_EQ(session.size(), 0);
  session.feed(std::span(text).first(40));
  EXPECT_EQ(test::code_of([&] { session.feed(std::span(text).last(1)); }), Errc::context_full);
  session.rewind(10);
  session.feed(std::span(text).subspan(10, 30));
  EXPECT_EQ(session.size(), 40);
}

INSTANTIATE_TEST_SUITE_P(Golden, RecurrentModel,
                         testing::Values("mamba", "mamba2", "granitehybrid", "falcon-h1", "nemotron_h",
                                         "nemotron_h_moe-b", "jamba", "plamo2-rope", "kimi-linear", "rwkv6",
                                         "rwkv6qwen2", "rwkv7", "arwkv7"),
                         test::name_of_arch);

class WithoutAttention : public RecurrentModel {};

TEST_P(WithoutAttention, TakesNoMemoryForAContext) {
  const Session small(model(), options_of(64)), large(model(), options_of(1 << 20));
  EXPECT_EQ(large.bytes(), small.bytes());
}

TEST_P(WithoutAttention, RefusesToSummariseIt) {
  SessionOptions options = options_of(64);
  options.attention.memory = "window";
  EXPECT_EQ(test::code_of([&] { const Session session(model(), options); }), Errc::range);
}

INSTANTIATE_TEST_SUITE_P(Golden, WithoutAttention,
                         testing::Values("mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"),
                         test::name_of_arch);

}  // namespace
}  // namespace longhand
