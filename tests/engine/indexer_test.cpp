// Models that choose themselves which keys a query sees.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/longhand.h"
#include "tests/support/error_code.h"
#include "tests/support/golden_model.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_session.h"

namespace longhand::test {
namespace {

class Indexer : public GoldenModel {
 protected:
  void SetUp() override {
    GoldenModel::SetUp();
    if (IsSkipped()) return;
    const std::string file = golden(std::string("archs/") + GetParam() + "/tokens.json");
    ids_ = nlohmann::json::parse(read_text(file)).at("ids").get<std::vector<Token>>();
  }
  static SessionOptions options(bool indexer = true) {
    SessionOptions o;
    o.context = 256;
    o.threads = 2;
    o.key_cache = o.value_cache = CacheType::f32;
    o.attention.indexer = indexer;
    return o;
  }
  std::span<const Token> ids(std::size_t from, std::size_t to) const {
    return std::span(ids_).subspan(from, to - from);
  }
  static std::vector<float> feed(Session& session, std::span<const Token> tokens) {
    std::vector<float> all;
    session.feed(tokens,
                 [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
    return all;
  }

  std::vector<Token> ids_;
};

TEST_P(Indexer, ChangesNothingWhileAllKeysAreChosen) {
  constexpr std::size_t kFew = 8;  // tokens, less than any of these models chooses
  Session with(model(), options()), without(model(), options(false));
  EXPECT_EQ(feed(with, ids(0, kFew)), feed(without, ids(0, kFew)));
  EXPECT_NE(feed(with, ids(kFew, ids_.size())), feed(without, ids(kFew, ids_.size())));
}

TEST_P(Indexer, ItsKeysAreSavedForkedAndGoneBackTo) {
  const std::size_t half = ids_.size() / 2;
  Session whole(model(), options());
  const auto first = feed(whole, ids(0, half)), second = feed(whole, ids(half, ids_.size()));

  Session session(model(), options());
  EXPECT_EQ(feed(session, ids(0, half)), first);
  const TempDir dir;
  session.save_state(dir.file("state"));
  Session fork = session.fork();
  feed(session, ids(0, half));  // another text
  EXPECT_EQ(feed(fork, ids(half, ids_.size())), second);
  session.rewind(int(half));
  EXPECT_EQ(feed(session, ids(half, ids_.size())), second);
  Session restored(model(), options());
  restored.restore_state(dir.file("state"));
  EXPECT_EQ(feed(restored, ids(half, ids_.size())), second);

  Session other(model(), options(false));
  EXPECT_EQ(code_of([&] { other.restore_state(dir.file("state")); }), Errc::mismatch);
}

TEST_P(Indexer, IsRefusedWithAMemoryThatForgets) {
  SessionOptions o = options();
  o.attention.memory = "window";
  o.attention.window = 16;
  EXPECT_EQ(code_of([&] { Session(model(), o); }), Errc::range);
  o.attention.indexer = false;
  // With keys of blocks a model forgets as it was trained, and in no other way.
  if (GetParam() == std::string("deepseek4")) {
    EXPECT_EQ(code_of([&] { Session(model(), o); }), Errc::range);
  } else {
    EXPECT_NO_THROW(Session(model(), o));
  }
}

TEST_P(Indexer, SessionsWithAndWithoutItShareAPass) {
  const auto last_of = [&](bool indexer) {
    Session alone(model(), options(indexer));
    return copy_of(alone.feed(ids_));
  };
  Runner runner(model(), {.threads = 2});
  Session with(runner, options()), without(runner, options(false));
  const std::size_t half = ids_.size() / 2, last = ids_.size() - 1;
  for (const auto& part : {ids(0, half), ids(half, last)}) {
    std::array<Runner::Feed, 2> feeds = {{{with, part}, {without, part}}};
    runner.run(feeds);
  }
  EXPECT_EQ(copy_of(with.feed(ids(last, last + 1))), last_of(true));
  EXPECT_EQ(copy_of(without.feed(ids(last, last + 1))), last_of(false));
}

INSTANTIATE_TEST_SUITE_P(Models, Indexer, testing::Values("deepseek32", "minimax-m3", "glm-dsa", "deepseek4"),
                         name_of_arch);

}  // namespace
}  // namespace longhand::test
