// One long text, however it is fed, and prompts of every length: the logits are the same to the last bit, and
// so is what is written on. Lengths that kernels work in are all among them.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/longhand.h"
#include "tests/support/golden_model.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

constexpr int kTokens = 3000;

SessionOptions options_of(int batch) {
  SessionOptions o;
  o.context = kTokens + 100;
  o.batch = batch;
  o.threads = 2;
  o.key_cache = o.value_cache = CacheType::f32;
  return o;
}

class LongText : public GoldenModel {};

// Of a token here and there, and of the last one.
std::vector<float> some_logits(Session& session, std::span<const Token> text) {
  constexpr int kEvery = 97;
  std::vector<float> logits;
  session.feed(text, [&](int position, std::span<const float> row) {
    if (position % kEvery == 0 || position == kTokens - 1)
      logits.insert(logits.end(), row.begin(), row.end());
  });
  return logits;
}

std::vector<float> in_pieces(Session& session, std::span<const Token> text, std::size_t piece) {
  std::vector<float> logits;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const auto more = some_logits(session, text.subspan(at, std::min(piece, text.size() - at)));
    logits.insert(logits.end(), more.begin(), more.end());
  }
  return logits;
}

TEST_P(LongText, IsTheSameInPiecesAndAfterARewind) {
  const std::vector<Token> text = some_tokens(kTokens, 7);
  Session whole(model(), options_of(kTokens));
  const std::vector<float> want = some_logits(whole, text);
  for (const std::size_t piece : {7u, 512u}) {
    Session session(model(), options_of(512));
    ASSERT_TRUE(in_pieces(session, text, piece) == want) << "pieces of " << piece;
  }
  whole.rewind(1411);
  whole.feed(some_tokens(200, 8));
  whole.rewind(1300);
  const std::vector<float> again = some_logits(whole, std::span(text).subspan(1300));
  ASSERT_LT(again.size(), want.size());
  EXPECT_TRUE(std::equal(again.begin(), again.end(), want.end() - std::ptrdiff_t(again.size())));
}

std::vector<float> write_on(Session& session) {
  std::vector<float> all = copy_of(session.logits(session.size() - 1));
  for (int i = 0; i < 3; ++i) {
    const auto last = std::span(all).last(all.size() / std::size_t(i + 1));
    const Token next = Token(std::ranges::max_element(last) - last.begin());
    const auto logits = session.feed({&next, 1});
    all.insert(all.end(), logits.begin(), logits.end());
  }
  return all;
}

TEST_P(LongText, IsWrittenOnTheSameAfterPromptsOfEveryLength) {
  const std::vector<Token> text = some_tokens(130, 9);
  SessionOptions options = options_of(512);
  options.context = 160;
  options.threads = 1;
  Session single(model(), options);
  for (std::size_t n = 1; n <= text.size(); ++n) {
    single.feed(std::span(text).subspan(n - 1, 1));
    Session by_token = single.fork(), at_once(model(), options);
    at_once.feed(std::span(text).first(n));
    ASSERT_TRUE(write_on(at_once) == write_on(by_token)) << n << " tokens";
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, LongText,
                         testing::Values("llama", "gemma3", "gpt-oss", "qwen3moe", "deepseek2", "deepseek32",
                                         "deepseek4", "minimax-m3", "falcon", "bloom", "llama4-chunk",
                                         "qwen35", "mamba2", "rwkv7"),
                         name_of_arch);

}  // namespace
}  // namespace longhand::test
