// The interface in C: sessions and their states.
#include "engine/longhand_c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/golden.h"
#include "tests/support/longhand_c.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

TEST_F(LonghandC, FeedsRewindsAndShowsLogits) {
  const auto s = session();
  const std::vector<lh_token> tokens = encode("The capital of Peru");
  lh_logits last{};
  ASSERT_EQ(lh_feed(s.get(), view(tokens), &last, &error_), LH_OK) << error_.message;
  const std::vector<float> expected(last.data, last.data + last.size);
  EXPECT_EQ(lh_session_size(s.get()), int(tokens.size()));
  EXPECT_EQ(lh_session_tokens(s.get()).size, tokens.size());
  EXPECT_GT(lh_session_bytes(s.get()), 0u);

  ASSERT_EQ(lh_rewind(s.get(), 2, &error_), LH_OK);
  EXPECT_EQ(lh_session_size(s.get()), 2);
  EXPECT_EQ(lh_rewind(s.get(), 3, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_get_logits(s.get(), 2, &last, &error_), LH_E_RANGE);
  ASSERT_EQ(lh_feed(s.get(), {tokens.data() + 2, tokens.size() - 2}, nullptr, &error_), LH_OK);
  ASSERT_EQ(lh_get_logits(s.get(), lh_session_size(s.get()) - 1, &last, &error_), LH_OK);
  EXPECT_THAT(std::span(last.data, last.size), ElementsAreArray(expected));

  const lh_token bad = -1;
  EXPECT_EQ(lh_feed(s.get(), {&bad, 1}, nullptr, &error_), LH_E_RANGE);
  const std::vector<lh_token> many(1000, tokens[0]);
  EXPECT_EQ(lh_feed(s.get(), view(many), nullptr, &error_), LH_E_CONTEXT_FULL);
  EXPECT_EQ(lh_session_size(s.get()), int(tokens.size()));
}

// The guide's positions are one number each.
TEST_F(LonghandC, FeedsEmbeddings) {
  const auto s = session(), other = session();
  lh_model_info info{};
  info.size = sizeof info;
  ASSERT_EQ(lh_model_get_info(model(), &info, &error_), LH_OK) << error_.message;
  const std::vector<float> values(3 * std::size_t(info.hidden), 0.25f);
  std::vector<lh_position> positions = {{0, 0, 0}, {1, 1, 1}, {2, 2, 2}};
  lh_logits last{};
  ASSERT_EQ(lh_feed_embeddings(s.get(), values.data(), 3, nullptr, &last, &error_), LH_OK) << error_.message;
  const std::vector<float> expected(last.data, last.data + last.size);
  EXPECT_EQ(lh_session_tokens(s.get()).data[0], -1);
  ASSERT_EQ(lh_feed_embeddings(other.get(), values.data(), 3, positions.data(), &last, &error_), LH_OK);
  EXPECT_THAT(std::span(last.data, last.size), ElementsAreArray(expected));
  positions[1].w = 7;
  EXPECT_EQ(lh_feed_embeddings(s.get(), values.data(), 3, positions.data(), nullptr, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_feed_embeddings(s.get(), values.data(), 0, nullptr, nullptr, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_feed_embeddings(s.get(), nullptr, 3, nullptr, nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_feed_embeddings(s.get(), values.data(), SIZE_MAX, nullptr, nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_session_size(s.get()), 3);
}

TEST_F(LonghandC, AVisitThatStopsOrThrowsLeavesTheSessionAsItWas) {
  const auto s = session();
  const std::vector<lh_token> tokens = encode("The capital of Peru");
  int seen = 0;
  const auto count = [](void* user, std::int32_t, lh_logits) {
    return ++*static_cast<int*>(user) == 2 ? 1 : 0;
  };
  EXPECT_EQ(lh_feed_each(s.get(), view(tokens), count, &seen, &error_), LH_E_CANCELLED);
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(lh_session_size(s.get()), 0);
  const auto thrower = [](void*, std::int32_t, lh_logits) -> int {
    throw std::runtime_error("of the caller");
  };
  EXPECT_EQ(lh_feed_each(s.get(), view(tokens), thrower, nullptr, &error_), LH_E_CALLBACK);
  EXPECT_EQ(lh_session_size(s.get()), 0);
  seen = 10;
  EXPECT_EQ(lh_feed_each(s.get(), view(tokens), count, &seen, &error_), LH_OK);
  EXPECT_EQ(seen, 10 + int(tokens.size()));
}

TEST_F(LonghandC, AnotherThreadCancels) {
  lh_session_options options = small();
  options.batch = 1;
  struct Progress {
    std::atomic<bool> started{false};
  } progress;
  options.progress_user = &progress;
  // Holds the feed until the other thread has had its turn, so that the outcome is no matter of speed.
  options.progress = [](void* user, std::int32_t, std::int32_t) {
    static_cast<Progress*>(user)->started = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return 0;
  };
  const auto s = session(options);
  std::thread other([&] {
    while (!progress.started) std::this_thread::yield();
    lh_session_cancel(s.get());
  });
  const std::vector<lh_token> tokens(200, encode("a").back());
  EXPECT_EQ(lh_feed(s.get(), view(tokens), nullptr, &error_), LH_E_CANCELLED);
  other.join();
  EXPECT_EQ(lh_session_size(s.get()), 0);
  EXPECT_EQ(lh_feed(s.get(), {tokens.data(), 1}, nullptr, &error_), LH_E_CANCELLED) << "until it is cleared";
  lh_session_clear_cancel(s.get());
  EXPECT_EQ(lh_feed(s.get(), {tokens.data(), 1}, nullptr, &error_), LH_OK);
}

TEST_F(LonghandC, ProgressStopsAFeed) {
  lh_session_options options = small();
  options.batch = 2;
  options.progress = [](void*, std::int32_t done, std::int32_t total) { return done < total ? 1 : 0; };
  const auto s = session(options);
  const std::vector<lh_token> tokens(8, encode("a").back());
  EXPECT_EQ(lh_feed(s.get(), view(tokens), nullptr, &error_), LH_E_CANCELLED);
  EXPECT_EQ(lh_session_size(s.get()), 0);
  EXPECT_EQ(lh_feed(s.get(), {tokens.data(), 2}, nullptr, &error_), LH_OK) << "the next one starts anew";
}

// The logits of the next 32 tokens.
std::vector<float> go_on(lh_session* session) {
  std::vector<float> out;
  for (lh_token token = 40; token < 72; ++token) {
    lh_logits logits{};
    EXPECT_EQ(lh_feed(session, {&token, 1}, &logits, nullptr), LH_OK);
    out.insert(out.end(), logits.data, logits.data + logits.size);
  }
  EXPECT_EQ(lh_rewind(session, lh_session_size(session) - 32, nullptr), LH_OK);
  return out;
}

TEST_F(LonghandC, TakesTokensOutOfTheMiddle) {
  lh_session_options options = small();
  const std::vector<lh_token> text(100, 40);
  const auto full = session(options);
  ASSERT_EQ(lh_feed(full.get(), view(text), nullptr, &error_), LH_OK);
  int done = -1;
  ASSERT_EQ(lh_cut(full.get(), 10, 40, &done, &error_), LH_OK) << error_.message;
  EXPECT_EQ(done, 1);
  EXPECT_EQ(lh_session_size(full.get()), 70);
  EXPECT_EQ(lh_cut(full.get(), 10, 71, &done, &error_), LH_E_RANGE);
  EXPECT_EQ(lh_cut(full.get(), 10, 20, nullptr, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_cut(nullptr, 10, 20, &done, &error_), LH_E_ARGUMENT);
  EXPECT_EQ(lh_session_size(full.get()), 70);
  options.memory = "performer";
  options.window = 16;
  const auto summary = session(options);
  ASSERT_EQ(lh_feed(summary.get(), view(text), nullptr, &error_), LH_OK);
  ASSERT_EQ(lh_cut(summary.get(), 10, 40, &done, &error_), LH_OK);
  EXPECT_EQ(done, 0);
  EXPECT_EQ(lh_session_size(summary.get()), 100);
}

TEST_F(LonghandC, TellsWhatARewindCosts) {
  lh_session_options options = small();
  const std::vector<lh_token> text(150, 40);
  const auto full = session(options);
  ASSERT_EQ(lh_feed(full.get(), view(text), nullptr, &error_), LH_OK);
  EXPECT_EQ(lh_session_rewind_cost(full.get(), 20), 0);
  options.memory = "performer";
  options.window = 16;
  const auto summary = session(options);
  ASSERT_EQ(lh_feed(summary.get(), view(text), nullptr, &error_), LH_OK);
  EXPECT_EQ(lh_session_rewind_cost(summary.get(), 20), 20);
  EXPECT_EQ(lh_session_rewind_cost(summary.get(), 149), 0);
}

TEST_F(LonghandC, ASavedStateGoesOnBitForBit) {
  const TempDir dir;
  const std::string path = dir.file("state");
  const auto saved = session(), restored = session();
  const std::vector<lh_token> prompt = encode("The capital of Peru"), other = encode("12 + 7");
  ASSERT_EQ(lh_feed(saved.get(), view(prompt), nullptr, &error_), LH_OK);
  ASSERT_EQ(lh_feed(restored.get(), view(other), nullptr, &error_), LH_OK);
  std::uint64_t bytes = 0;
  ASSERT_EQ(lh_state_bytes(saved.get(), &bytes, &error_), LH_OK);
  ASSERT_EQ(lh_save_state(saved.get(), path.c_str(), &error_), LH_OK) << error_.message;
  EXPECT_EQ(std::filesystem::file_size(path), bytes);
  ASSERT_EQ(lh_restore_state(restored.get(), path.c_str(), &error_), LH_OK) << error_.message;
  const lh_tokens tokens = lh_session_tokens(restored.get());
  EXPECT_THAT(std::span(tokens.data, tokens.size), ElementsAreArray(prompt));
  EXPECT_EQ(go_on(restored.get()), go_on(saved.get()));
}

TEST_F(LonghandC, AStateThatIsNoGoodLeavesTheSessionAsItWas) {
  const TempDir dir;
  const std::string path = dir.file("state");
  const auto saved = session(), s = session();
  const std::vector<lh_token> prompt = encode("The capital of Peru"), other = encode("12 + 7");
  ASSERT_EQ(lh_feed(saved.get(), view(prompt), nullptr, &error_), LH_OK);
  ASSERT_EQ(lh_feed(s.get(), view(other), nullptr, &error_), LH_OK);
  const std::vector<float> before = go_on(s.get());
  ASSERT_EQ(lh_save_state(saved.get(), path.c_str(), &error_), LH_OK);
  std::string content = read_text(path);
  content[content.size() / 2] ^= 4;
  const auto restore = [&](lh_session* to, const std::string& from) {
    return lh_restore_state(to, from.c_str(), &error_);
  };
  EXPECT_EQ(restore(s.get(), dir.write("flipped", content)), LH_E_CORRUPT);
  EXPECT_THAT(error_.message, HasSubstr("flipped"));
  EXPECT_EQ(restore(s.get(), dir.write("cut", content.substr(0, 1000))), LH_E_TRUNCATED);
  EXPECT_EQ(restore(s.get(), dir.write("text", std::string(1000, 'x'))), LH_E_MAGIC);
  EXPECT_EQ(restore(s.get(), dir.file("nothing")), LH_E_IO);
  EXPECT_EQ(lh_save_state(s.get(), dir.file("no/folder").c_str(), &error_), LH_E_IO);

  lh_session_options options = small();
  options.context = 257;
  EXPECT_EQ(restore(session(options).get(), path), LH_E_MISMATCH);
  const ModelPtr tiny = tiny_model(dir.file("tiny.gguf"));
  ASSERT_NE(tiny, nullptr);
  lh_session* foreign = nullptr;
  options = small();
  ASSERT_EQ(lh_session_new(tiny.get(), &options, &foreign, &error_), LH_OK);
  const SessionPtr of_another_model(foreign);
  EXPECT_EQ(restore(foreign, path), LH_E_MISMATCH);
  EXPECT_THAT(error_.message, HasSubstr("model"));

  EXPECT_EQ(lh_session_size(s.get()), int(other.size()));
  EXPECT_EQ(go_on(s.get()), before);
}

TEST_F(LonghandC, StatesAreNotForCallbacks) {
  const TempDir dir;
  const auto s = session();
  struct Inner {
    lh_session* session;
    std::string path;
    lh_status statuses[3];
  } inner{s.get(), dir.file("state"), {}};
  const auto visit = [](void* user, std::int32_t, lh_logits) {
    auto& i = *static_cast<Inner*>(user);
    std::uint64_t bytes = 0;
    i.statuses[0] = lh_save_state(i.session, i.path.c_str(), nullptr);
    i.statuses[1] = lh_restore_state(i.session, i.path.c_str(), nullptr);
    i.statuses[2] = lh_state_bytes(i.session, &bytes, nullptr);
    return 1;
  };
  const std::vector<lh_token> prompt = encode("The capital of Peru");
  EXPECT_EQ(lh_feed_each(s.get(), view(prompt), visit, &inner, &error_), LH_E_CANCELLED);
  EXPECT_THAT(inner.statuses, testing::Each(LH_E_BUSY));
}

}  // namespace
}  // namespace longhand::test
