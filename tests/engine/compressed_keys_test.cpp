// Attention in which old tokens share keys: whatever the pieces a text is fed in, and however often it goes
// back, its blocks are the same.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "engine/longhand.h"
#include "tests/support/golden.h"

namespace longhand::test {
namespace {

class CompressedKeys : public testing::Test {
 protected:
  void SetUp() override {
    const std::string folder = golden("archs/deepseek4");
    LONGHAND_NEED_GOLDEN(folder);
    ids_ = nlohmann::json::parse(read_text(folder + "/tokens.json")).at("ids").get<std::vector<Token>>();
    model_ = Model::load(folder + "/model.gguf");
    Session whole(*model_, options());
    truth_ = feed(whole, 0, ids_.size());
  }
  static SessionOptions options() {
    SessionOptions o;
    o.context = 256;
    o.threads = 2;
    o.key_cache = o.value_cache = CacheType::f32;
    return o;
  }
  std::vector<float> feed(Session& session, std::size_t from, std::size_t to) const {
    std::vector<float> all;
    session.feed(std::span(ids_).subspan(from, to - from),
                 [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); });
    return all;
  }
  // Logits of the tokens from `from` on.
  std::vector<float> truth(std::size_t from) const {
    const std::size_t vocab = truth_.size() / ids_.size();
    return {truth_.begin() + std::ptrdiff_t(from * vocab), truth_.end()};
  }

  std::vector<Token> ids_;
  std::optional<Model> model_;
  std::vector<float> truth_;
};

// Around the ends of blocks of 4 and of 128 tokens, as speculation goes back.
TEST_F(CompressedKeys, AreMadeAgainAfterAFewOtherTokens) {
  for (const std::size_t size : {1, 3, 4, 5, 7, 8, 64, 126, 127, 128, 129, 132}) {
    for (const std::size_t others : {1, 4, 9, 60}) {
      Session session(*model_, options());
      feed(session, 0, size);
      feed(session, 40, 40 + others);
      session.rewind(int(size));
      ASSERT_EQ(session.tokens().size(), size);
      ASSERT_EQ(feed(session, size, ids_.size()), truth(size)) << size << ", then " << others << " others";
    }
  }
}

TEST_F(CompressedKeys, AreMadeAgainWhereATextGoesFarBack) {
  for (const std::size_t size : {2, 31, 100}) {
    Session session(*model_, options());
    feed(session, 0, ids_.size());
    session.rewind(int(size));
    feed(session, 3, 40);
    session.rewind(int(size));
    ASSERT_EQ(feed(session, size, ids_.size()), truth(size)) << size;
  }
}

TEST_F(CompressedKeys, TakeEveryTypeOfCache) {
  for (const CacheType type : {CacheType::f16, CacheType::q8_0}) {
    SessionOptions o = options();
    o.key_cache = o.value_cache = type;
    Session session(*model_, o);
    EXPECT_LT(nmse(feed(session, 0, ids_.size()), truth_), 1e-2);
  }
}

}  // namespace
}  // namespace longhand::test
