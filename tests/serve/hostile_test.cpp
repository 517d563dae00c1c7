// Requests that are wrong, rude or endless: each is refused, and the next client is served.
#include <gmock/gmock.h>

#include <thread>

#include "tests/serve/server.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ServeHostile : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new Server({"--max-body", "1"}); }
  static void TearDownTestSuite() { delete server_; }
  static const Server& server() { return *server_; }
  void TearDown() override {
    EXPECT_EQ(content_of(server().post("/v1/chat/completions", chat_body("What is the capital of Peru?"))),
              "The capital of Peru is Lima.");
  }

 private:
  static Server* server_;
};
Server* ServeHostile::server_ = nullptr;

TEST_F(ServeHostile, BodiesThatAreNoRequests) {
  const std::string deep = std::string(200'000, '['), objects = [] {
    std::string text;
    for (int i = 0; i < 50'000; ++i) text += "{\"a\":";
    return text;
  }();
  const auto members = [](int n) {
    std::string text = "{\"x\":0";
    for (int i = 1; i < n; ++i) text += ",\"" + std::to_string(i) + "\":0";
    return text + "}";
  };
  std::string large_objects = "{\"x\":[" + members(4096);
  for (int i = 0; i < 17; ++i) large_objects += "," + members(4096);
  std::string empty_objects = "{\"x\":[{}";
  for (int i = 0; i < 300'000; ++i) empty_objects += ",{}";
  const std::string message = R"("messages":[{"role":"user","content":"x"}])";
  std::string many = "\"a\"";
  for (int i = 0; i < 64; ++i) many += ",\"a\"";
  const std::pair<std::string, const char*> cases[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"[]", "must be a JSON object"},
      {"nul", "not JSON"},
      {"{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}", "not JSON"},
      {deep, "nested deeper"},
      {objects, "nested deeper"},
      {members(100'000), "more than 4096 members"},
      {members(4096), "messages"},
      {large_objects + "]}", "too many objects of many members"},
      {empty_objects + "]}", "messages"},
      {"{}", "messages"},
      {R"({"messages":[]})", "messages"},
      {R"({"messages":{}})", "messages"},
      {R"({"messages":[5]})", "messages[0]"},
      {R"({"messages":[{"role":5}]})", "messages[0].role"},
      {R"({"messages":[{"content":"x"}]})", "messages[0].role"},
      {R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]})", "image_url"},
      {"{" + message + R"(,"temperature":"hot"})", "temperature must be a number"},
      {"{" + message + R"(,"temperature":NaN})", "not JSON"},
      {"{" + message + R"(,"temperature":1e999})", "not JSON"},
      {"{" + message + R"(,"top_p":7})", "top_p must be 0..1"},
      {"{" + message + R"(,"top_k":1.5})", "top_k"},
      {"{" + message + R"(,"seed":1e30})", "seed"},
      {"{" + message + R"(,"n":0})", "n must be"},
      {"{" + message + R"(,"n":100000})", "n must be"},
      {"{" + message + R"(,"max_tokens":"many"})", "max_tokens"},
      {"{" + message + R"(,"max_tokens":1.5})", "max_tokens"},
      {"{" + message + R"(,"stop":[1]})", "stop"},
      {"{" + message + R"(,"stop":[)" + many + "]}", "stop must be at most 64 strings"},
      {"{" + message + R"(,"stop":")" + std::string(70'000, 'x') + "\"}", "of 65536 bytes together"},
      {"{" + message + R"(,"logit_bias":{"x":1}})", "logit_bias"},
      {"{" + message + R"(,"logit_bias":{"99999999":1}})", "logit_bias"},
      {"{" + message + R"(,"stream":1})", "stream must be true or false"},
      {"{" + message + R"(,"response_format":{"type":"xml"}})", "response_format.type"},
      {"{" + message + R"(,"grammar":"root ::= ("})", "E_GRAMMAR"},
      {"{" + message + R"(,"tool_choice":"perhaps"})", "tool_choice"},
  };
  for (const auto& [body, why] : cases) {
    const Reply reply = server().request("POST", "/v1/chat/completions", body);
    EXPECT_EQ(reply.status, 400) << body.substr(0, 100);
    EXPECT_THAT(reply.body, HasSubstr(why));
    EXPECT_EQ(reply.json()["error"]["type"], "invalid_request_error");
  }
  json unknown =
      chat_body("Hello", {{"max_tokens", 1}, {"colour", "red"}, {"user", nullptr}, {"temperature", nullptr}});
  EXPECT_EQ(server().post("/v1/chat/completions", unknown).status, 200) << "unknown fields are ignored";
}

TEST_F(ServeHostile, PathsAndMethods) {
  EXPECT_EQ(server().get("/nothing").status, 404);
  EXPECT_EQ(server().get("/../../etc/passwd").status, 404);
  EXPECT_EQ(server().get("/" + std::string(6000, 'a')).status, 404);
  EXPECT_EQ(server().request("POST", "/" + std::string(6000, 'a'), "{}").status, 404);
  const Reply wrong = server().get("/v1/chat/completions");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at("allow"), "POST");
  EXPECT_EQ(server().request("DELETE", "/v1/models").status, 405);
  EXPECT_EQ(server().request("HEAD", "/health").status, 200);
  EXPECT_EQ(server().get("/models").status, 200) << "clients that leave out /v1";
}

TEST_F(ServeHostile, HeadersWithoutEnd) {
  Connected long_line(server().port()), many(server().port());
  long_line.send("GET /health HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
  EXPECT_THAT(long_line.read_all(), testing::AnyOf(HasSubstr(" 431 "), HasSubstr(" 400 "), ""));
  std::string headers = "GET /health HTTP/1.1\r\n";
  for (int i = 0; i < 5000; ++i) headers += "X-" + std::to_string(i) + ": y\r\n";
  many.send(headers);
  EXPECT_THAT(many.read_all(), HasSubstr(" 431 "));
  EXPECT_NE(
      server().request("GET", "/health", "", {{"Range", "bytes=" + std::string(4000, '0') + "-"}}).status, 0);
  std::string ranges = "bytes=0-1";
  while (ranges.size() < 7000) ranges += ",0-1";
  EXPECT_NE(server().request("GET", "/health", "", {{"Range", ranges}}).status, 0);
}

TEST_F(ServeHostile, BodiesTooLong) {
  const std::string body = "{\"messages\":\"" + std::string(3 << 20, 'x') + "\"}";
  const Reply told = server().request("POST", "/v1/chat/completions", body);
  EXPECT_EQ(told.status, 413);
  const Reply claimed =
      server().request("POST", "/v1/chat/completions", "{}", {{"Content-Length", "99999999999999999999"}});
  EXPECT_NE(claimed.status, 200);
  Connected chunked(server().port());
  chunked.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 300; ++i) chunked.send("4000\r\n" + std::string(0x4000, 'x') + "\r\n");
  EXPECT_EQ(chunked.read_reply().status, 413);
}

TEST_F(ServeHostile, BodiesTooLongTogether) {
  {
    std::vector<std::unique_ptr<Connected>> slow;
    const json body = chat_body("Hello", {{"max_tokens", 1}});
    EXPECT_TRUE(server().becomes([&] {
      slow.push_back(std::make_unique<Connected>(server().port()));
      slow.back()->send(
          "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n" +
          std::string(1'048'570, ' '));
      return server().post("/v1/chat/completions", body).status == 503;
    }));
  }
  EXPECT_TRUE(server().becomes([&] {
    return server().post("/v1/completions", {{"prompt", "a"}}).status == 200;
  }));
}

TEST_F(ServeHostile, ChunkedBodiesAreRead) {
  const std::string body = chat_body("What is the capital of Peru?").dump();
  Connected client(server().port());
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::ostringstream chunks;
  chunks << std::hex << 10 << "\r\n"
         << body.substr(0, 10) << "\r\n"
         << body.size() - 10 << "\r\n"
         << body.substr(10) << "\r\n0\r\n\r\n";
  client.send(chunks.str());
  EXPECT_EQ(content_of(client.read_reply()), "The capital of Peru is Lima.");
}

TEST_F(ServeHostile, ABodyIsNotTheNextRequest) {
  Connected client(server().port());
  client.send(request_text("GET", "/health", "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const std::string all = client.read_all();
  EXPECT_THAT(all, HasSubstr("200 OK"));
  EXPECT_THAT(all, testing::Not(HasSubstr("object")));
}

TEST_F(ServeHostile, SeveralRequestsOnOneConnection) {
  Connected client(server().port());
  client.send(request_text("GET", "/health") + request_text("GET", "/v1/models") +
              request_text("GET", "/health"));
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(client.read_reply().json()["object"], "list");
  EXPECT_EQ(client.read_reply().json()["status"], "ok");
}

TEST_F(ServeHostile, NoiseAndClosedConnections) {
  for (const char* noise : {"\r\n\r\n", "\x16\x03\x01\x02", "GET", "GET / HTTP/9.9\r\n\r\n",
                            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    Connected client(server().port());
    client.send(noise);
    client.half_close();
    client.read_all();
  }
  Connected cut(server().port());
  cut.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"mess");
  cut.half_close();
  EXPECT_EQ(cut.read_reply().status, 400);
}

TEST_F(ServeHostile, IdleConnectionsKeepNobodyOut) {
  std::vector<std::unique_ptr<Connected>> idle;
  for (int i = 0; i < 500; ++i) idle.push_back(std::make_unique<Connected>(server().port()));
  EXPECT_EQ(server().get("/health").status, 200);
}

TEST(ServeLimits, ConnectionsBeyondTheLimitAreTurnedAway) {
  const Server server({"--max-connections", "3"});
  std::vector<std::unique_ptr<Connected>> idle;
  for (int i = 0; i < 3; ++i) {
    idle.push_back(std::make_unique<Connected>(server.port()));
    idle.back()->send(request_text("GET", "/health"));
    EXPECT_EQ(idle.back()->read_reply().status, 200);
  }
  Connected more(server.port());
  EXPECT_EQ(more.read_reply().status, 503);
  idle.clear();
  EXPECT_TRUE(server.becomes([&] { return server.get("/health").status == 200; }));
}

}  // namespace
}  // namespace longhand::test
