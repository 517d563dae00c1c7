// Who may ask the server, how it starts, and how it ends.
#include <gmock/gmock.h>

#include <csignal>

#include "tests/serve/server.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

int models(const Server& server, const Headers& headers) {
  return server.request("GET", "/v1/models", "", headers).status;
}

TEST(ServeAccess, StrangersNamesAndPagesAreKeptOut) {
  const Server server({"--cors-origin", "https://friend.example", "--allow-host", "box.example"});
  EXPECT_EQ(models(server, {{"Host", "localhost:8080"}}), 200);
  EXPECT_EQ(models(server, {{"Host", "127.0.0.1"}}), 200);
  EXPECT_EQ(models(server, {{"Host", "[::1]:80"}}), 200);
  EXPECT_EQ(models(server, {{"Host", "box.example:1"}}), 200);
  EXPECT_EQ(models(server, {{"Host", "evil.example"}}), 403);
  EXPECT_EQ(models(server, {{"Host", ""}}), 403);
  EXPECT_EQ(models(server, {{"Origin", "https://evil.example"}}), 403);
  EXPECT_EQ(models(server, {{"Origin", "null"}}), 403);
  EXPECT_EQ(models(server, {{"Host", "localhost:5"}, {"Origin", "http://localhost:5"}}), 200)
      << "its own page";
  const Headers friendly = {{"Origin", "https://friend.example"},
                            {"Access-Control-Request-Headers", "x-api-key"}};
  const Reply preflight = server.request("OPTIONS", "/v1/chat/completions", "", friendly);
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.at("access-control-allow-origin"), "https://friend.example");
  EXPECT_EQ(preflight.headers.at("access-control-allow-headers"), "x-api-key");
  EXPECT_EQ(server.get("/v1/models").headers.count("access-control-allow-origin"), 0u);
}

TEST(ServeAccess, Keys) {
  TempDir folder;
  const Server server({"--api-key", "one", "--api-key-file", folder.write("keys", "two\r\nthree\n\n")});
  EXPECT_EQ(models(server, {}), 401);
  EXPECT_EQ(models(server, {{"Authorization", "Bearer on"}}), 401);
  EXPECT_EQ(models(server, {{"Authorization", "one"}}), 401);
  EXPECT_EQ(models(server, {{"Authorization", "Bearer one"}}), 200);
  EXPECT_EQ(models(server, {{"Authorization", "bearer two"}}), 200);
  EXPECT_EQ(models(server, {{"x-api-key", "three"}}), 200);
  EXPECT_EQ(models(server, {{"x-api-key", ""}}), 401);
  EXPECT_EQ(server.get("/health").status, 200);
  EXPECT_EQ(server.get("/").status, 200);
  const Reply refused = server.get("/v1/models");
  EXPECT_EQ(refused.json()["error"]["type"], "authentication_error");
}

TEST(ServeAccess, OthersAreNotServedWithoutAKey) {
  const auto result =
      run_process({LONGHAND_PROGRAM, "serve", std::string(LONGHAND_GUIDE) + "/guide-q8_0.gguf", "--host",
                   "0.0.0.0", "--port", "0"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("--insecure"));
}

TEST(ServeAccess, AFailureToStartIsOneLine) {
  const Server server;
  const auto taken = run_process({LONGHAND_PROGRAM, "serve", std::string(LONGHAND_GUIDE) + "/guide-q8_0.gguf",
                                  "--port", std::to_string(server.port())});
  EXPECT_EQ(taken.status, 1);
  EXPECT_THAT(taken.err, HasSubstr("in use"));
  const auto missing = run_process({LONGHAND_PROGRAM, "serve", "/no/such.gguf", "--port", "0"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_EQ(missing.out, "");
}

TEST(ServeAccess, FinishesAnswersBeforeItEnds) {
  Server server;
  Connected client(server.port());
  client.send(
      request_text("POST", "/v1/chat/completions",
                   chat_body("Hello", {{"ignore_eos", true}, {"max_tokens", 300}, {"stream", true}}).dump()));
  ASSERT_TRUE(client.read_until("\"content\""));
  server.signal(SIGTERM);
  EXPECT_TRUE(client.read_until("[DONE]"));
  EXPECT_EQ(server.wait(), 0);
}

TEST(ServeAccess, CutsAnswersThatTakeTooLong) {
  Server server({"--drain", "0"});
  Connected client(server.port()), idle(server.port());
  client.send(request_text("POST", "/v1/chat/completions",
                           chat_body("Hello", {{"ignore_eos", true}, {"stream", true}}).dump()));
  ASSERT_TRUE(client.read_until("\"content\""));
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(), 0);
}

TEST(ServeAccess, EndsAlthoughAClientDoesNotRead) {
  Server server({"--drain", "1"});
  Connected client(server.port());
  std::string text;
  while (text.size() < 1'000'000) text += "a b c d e ";
  const json body = {{"content", text}, {"with_pieces", true}};
  client.send(request_text("POST", "/tokenize", body.dump()));
  ASSERT_TRUE(client.read_until("200 OK"));
  const auto start = std::chrono::steady_clock::now();
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20)) << "writing may block for 30";
}

TEST(ServeAccess, EndsAlthoughVectorsAreComputed) {
  Server server({"--drain", "0"});
  Connected client(server.port());
  const json body = {{"input", std::vector<std::string>(2048, std::string(500, 'x'))}};
  client.send(request_text("POST", "/v1/embeddings", body.dump()));
  EXPECT_EQ(server.get("/health").status, 200);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
}

TEST(ServeAccess, StrangersBodiesAreNotRead) {
  const Server server({"--api-key", "secret"});
  const std::string head = "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 1000000\r\n";
  Connected keyless(server.port()), elsewhere(server.port());
  keyless.send(head + "Host: localhost\r\n\r\n");
  EXPECT_EQ(keyless.read_reply().status, 401);
  elsewhere.send(head + "Host: evil.example\r\nx-api-key: secret\r\n\r\n");
  EXPECT_EQ(elsewhere.read_reply().status, 403);
}

TEST(ServeAccess, AJsonLineForEachRequest) {
  const Server server({"--log-format", "json"});
  ASSERT_EQ(server.post("/v1/chat/completions", chat_body("What is the capital of Peru?")).status, 200);
  ASSERT_EQ(server.get("/v1/nothing\x01").status, 404);
  ASSERT_TRUE(server.becomes([&] { return server.log().find("nothing") != std::string::npos; }));
  std::istringstream lines(server.log());
  std::string line;
  std::getline(lines, line);
  const json first = json::parse(line);
  EXPECT_EQ(first["status"], 200);
  EXPECT_EQ(first["path"], "/v1/chat/completions");
  EXPECT_GT(first["prompt_tokens"], 5);
  EXPECT_GT(first["written_tokens"], 5);
  EXPECT_EQ(first["end"], "end of generation");
}

}  // namespace
}  // namespace longhand::test
