// Adapters of a server: which there are, how strong they are, and what a request says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/longhand.h"
#include "tests/serve/server.h"
#include "tests/support/lora.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ServedLora : public testing::Test {
 protected:
  void SetUp() override {
    const Model guide = Model::load(LONGHAND_GUIDE "/guide-q8_0.gguf");
    random_lora(guide, {.rank = 4, .seed = 1}).write(a_);
    random_lora(guide, {.rank = 4, .seed = 2}).write(b_);
  }
  static json body(const json& more = json::object()) {
    return chat_body("What is the capital of Peru?", [&] {
      json all = {{"temperature", 0}, {"max_tokens", 12}};
      all.update(more);
      return all;
    }());
  }
  static std::string answer(const Server& server, const json& more = json::object()) {
    const Reply reply = server.post("/v1/chat/completions", body(more));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return content_of(reply);
  }

  TempDir dir_;
  std::string a_ = dir_.file("a.gguf"), b_ = dir_.file("b.gguf");
};

TEST_F(ServedLora, IsListedSetAndSaidByRequests) {
  const Server plain;
  const std::string usual = answer(plain);
  EXPECT_EQ(plain.get("/lora-adapters").json(), json::array());
  const Server server({"--lora", a_ + ":5", "--lora", b_, "--lora-init-without-apply"});
  const json off = {{{"id", 0}, {"path", a_}, {"scale", 0}}, {{"id", 1}, {"path", b_}, {"scale", 0}}};
  EXPECT_EQ(server.get("/lora-adapters").json(), off);
  EXPECT_EQ(answer(server), usual);
  const json strong = {{{"id", 0}, {"scale", 5}}};
  const std::string changed = answer(server, {{"lora", strong}});
  EXPECT_NE(changed, usual);
  EXPECT_EQ(answer(server), usual);

  const Reply set = server.post("/lora-adapters", strong);
  EXPECT_EQ(set.status, 200);
  EXPECT_EQ(set.json(), json({{"success", true}}));
  EXPECT_EQ(server.get("/lora-adapters").json()[0]["scale"], 5);
  EXPECT_EQ(server.get("/lora-adapters").json()[1]["scale"], 0);
  EXPECT_EQ(answer(server), changed);
  EXPECT_EQ(answer(server, {{"lora", json::array()}}), usual);
}

TEST_F(ServedLora, RefusesWhatIsWrong) {
  const Server server({"--lora", a_});
  const auto refused = [&](const std::string& path, const json& asked, const std::string& message) {
    const Reply reply = server.post(path, asked);
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, HasSubstr(message));
  };
  refused("/lora-adapters", {{"id", 0}}, "array");
  refused("/lora-adapters", json::array({{{"id", 1}, {"scale", 1}}}), "0..0");
  refused("/lora-adapters", json::array({{{"scale", 1}}}), "id");
  refused("/lora-adapters", json::array({{{"id", 0}, {"scale", 1e300}}}), "scale");
  refused("/lora-adapters", json::array({{{"id", 0}}}), "scale");
  refused("/lora-adapters", json::array({{{"id", 0}, {"scale", 1}}, {{"id", 0}, {"scale", 1}}}), "id");
  for (const char* path : {"/v1/embeddings", "/v1/rerank", "/api/embed"})
    refused(path, {{"input", "a"}, {"query", "a"}, {"documents", {"b"}}, {"lora", json::array()}}, "lora");
  refused("/v1/chat/completions", body({{"lora", 1}}), "lora");
  refused("/v1/chat/completions", body({{"lora", json::array({{{"id", 7}}})}}), "lora");
  EXPECT_EQ(server.get("/lora-adapters").json()[0]["scale"], 1);
}

}  // namespace
}  // namespace longhand::test
