// /v1/chat/completions, as clients use it.
#include <gmock/gmock.h>

#include <thread>

#include "tests/serve/server.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const char* const kQuestion = "What is the capital of Peru?";
const char* const kAnswer = "The capital of Peru is Lima.";

// Bit for bit the same with others or alone.
const Arguments kExact = {"-ctk", "f32", "-ctv", "f32"};

TEST(ServeChat, Answers) {
  const Server server;
  const Reply reply = server.post("/v1/chat/completions", chat_body(kQuestion));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(content_of(reply), kAnswer);
  const json body = reply.json();
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["model"], "guide-q8_0");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(body["choices"][0]["message"]["role"], "assistant");
  const json usage = body["usage"];
  EXPECT_EQ(usage["total_tokens"], usage["prompt_tokens"].get<int>() + usage["completion_tokens"].get<int>());
  EXPECT_THAT(server.log(), HasSubstr("POST /v1/chat/completions 200"));
  EXPECT_THAT(server.log(), testing::Not(HasSubstr("Peru"))) << "prompts are nobody's business";
}

TEST(ServeChat, StreamsTheSame) {
  const Server server;
  const json options = {{"stream", true},
                        {"stream_options", {{"include_usage", true}}},
                        {"logprobs", true},
                        {"top_logprobs", 2},
                        {"return_progress", true}};
  const Reply reply = server.post("/v1/chat/completions", chat_body(kQuestion, options));
  EXPECT_EQ(reply.headers.at("content-type"), "text/event-stream");
  const std::vector<std::string> events = events_of(reply.body);
  ASSERT_GT(events.size(), 5u);
  EXPECT_EQ(events.back(), "[DONE]");
  std::string text, from_tokens, role, reason;
  json usage;
  int read = 0;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    const json chunk = json::parse(events[i]);
    EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    if (chunk["usage"].is_object()) usage = chunk["usage"];
    if (chunk.contains("prompt_progress")) read = chunk["prompt_progress"]["processed"];
    for (const json& choice : chunk["choices"]) {
      text += choice["delta"].value("content", "");
      role += choice["delta"].value("role", "");
      if (choice["finish_reason"].is_string()) reason = choice["finish_reason"];
      if (!choice["logprobs"].is_object()) continue;
      for (const json& token : choice["logprobs"]["content"]) {
        from_tokens += token["token"].get<std::string>();
        EXPECT_EQ(token["top_logprobs"].size(), 2u);
        EXPECT_EQ(token["top_logprobs"][0]["logprob"], token["logprob"]) << "the likeliest is drawn";
      }
    }
  }
  EXPECT_EQ(text, kAnswer);
  EXPECT_EQ(from_tokens, kAnswer);
  EXPECT_EQ(role, "assistant");
  EXPECT_EQ(reason, "stop");
  EXPECT_EQ(usage["prompt_tokens"], read);
}

TEST(ServeChat, LimitsAndStops) {
  const Server server;
  const auto choice = [&](const json& more) {
    return server.post("/v1/chat/completions", chat_body(kQuestion, more)).json()["choices"][0];
  };
  const json three = choice({{"max_tokens", 3}});
  EXPECT_EQ(three["message"]["content"], "The capital of");
  EXPECT_EQ(three["finish_reason"], "length");
  EXPECT_EQ(choice({{"max_completion_tokens", 1}})["message"]["content"], "The");
  const json stopped = choice({{"stop", json::array({"xyz", " Peru"})}});
  EXPECT_EQ(stopped["message"]["content"], "The capital of");
  EXPECT_EQ(stopped["finish_reason"], "stop");
  EXPECT_EQ(choice({{"stop", "capital"}})["message"]["content"], "The ");
  const int the = choice({{"logprobs", true}, {"max_tokens", 1}})["logprobs"]["content"][0]["id"];
  const json banned = choice({{"logit_bias", {{std::to_string(the), -100}}}, {"max_tokens", 1}});
  EXPECT_NE(banned["message"]["content"], "The");
}

TEST(ServeChat, SeveralAnswers) {
  const Server server(kExact);
  const json more = {{"n", 3}, {"seed", 7}, {"temperature", 1.5}, {"max_tokens", 12}};
  const json first = server.post("/v1/chat/completions", chat_body("Tell me something.", more)).json();
  ASSERT_EQ(first["choices"].size(), 3u);
  EXPECT_EQ(first["choices"][2]["index"], 2);
  const json again = server.post("/v1/chat/completions", chat_body("Tell me something.", more)).json();
  EXPECT_EQ(again["choices"], first["choices"]) << "the seed says what is drawn";
  EXPECT_GT(again["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
  json alone = more;
  alone["n"] = 1, alone["seed"] = 9;
  const json third = server.post("/v1/chat/completions", chat_body("Tell me something.", alone)).json();
  EXPECT_EQ(third["choices"][0]["message"], first["choices"][2]["message"]);
  for (const std::string seed :
       {"-9223372036854775808", "4294967295", "4294967294", "18446744073709551615"}) {
    const json large =
        chat_body("Tell me something.",
                  {{"n", 2}, {"seed", json::parse(seed)}, {"temperature", 1.5}, {"max_tokens", 12}});
    const json one = server.post("/v1/chat/completions", large).json();
    EXPECT_EQ(one["choices"], server.post("/v1/chat/completions", large).json()["choices"]) << seed;
  }
}

TEST(ServeChat, AnswersAreJsonWhereThatIsAsked) {
  const Server server;
  const json schema = {
      {"type", "object"},
      {"properties", {{"city", {{"type", "string"}, {"maxLength", 20}}}, {"people", {{"type", "integer"}}}}},
      {"required", {"city", "people"}}};
  const json format = {{"type", "json_schema"}, {"json_schema", {{"name", "city"}, {"schema", schema}}}};
  const json value = json::parse(
      content_of(server.post("/v1/chat/completions", chat_body(kQuestion, {{"response_format", format}}))));
  EXPECT_TRUE(value["city"].is_string());
  EXPECT_TRUE(value["people"].is_number_integer());
  const Reply bad = server.post(
      "/v1/chat/completions",
      chat_body(kQuestion, {{"response_format",
                             {{"type", "json_schema"}, {"json_schema", {{"schema", {{"type", 5}}}}}}}}));
  EXPECT_EQ(bad.status, 400);
  for (const json& thinking :
       {json{{"enable_thinking", true}}, json{{"chat_template_kwargs", {{"enable_thinking", true}}}}}) {
    json more = thinking;
    more["response_format"] = format;
    const json both =
        json::parse(content_of(server.post("/v1/chat/completions", chat_body(kQuestion, more))));
    EXPECT_TRUE(both["people"].is_number_integer());
  }
}

TEST(ServeChat, SixteenAtOnceAreAnsweredAsAlone) {
  const Server server(kExact);
  const auto body = [](int i) {
    return chat_body(
        i % 2 == 0 ? kQuestion : "What can longhand do? " + std::string(std::size_t(i) * 10, 'x'),
        {{"seed", i}, {"temperature", 1.2}, {"max_tokens", 40}});
  };
  std::vector<std::string> together(16), alone(16);
  std::vector<std::jthread> clients;
  for (int i = 0; i < 16; ++i)
    clients.emplace_back(
        [&, i] { together[std::size_t(i)] = content_of(server.post("/v1/chat/completions", body(i))); });
  clients.clear();
  for (int i = 0; i < 16; ++i)
    alone[std::size_t(i)] = content_of(server.post("/v1/chat/completions", body(i)));
  EXPECT_EQ(together, alone);
  EXPECT_THAT(together, testing::Each(testing::Not(testing::IsEmpty())));
}

TEST(ServeChat, TheNextTurnIsNotReadAgain) {
  const Server server;
  const json first = server.post("/v1/chat/completions", chat_body(kQuestion)).json();
  json body = chat_body(kQuestion);
  body["messages"].push_back(first["choices"][0]["message"]);
  body["messages"].push_back({{"role", "user"}, {"content", "What is the capital of France?"}});
  const json second = server.post("/v1/chat/completions", body).json();
  EXPECT_THAT(second["choices"][0]["message"]["content"].get<std::string>(), HasSubstr("Paris"));
  EXPECT_GE(second["usage"]["prompt_tokens_details"]["cached_tokens"],
            first["usage"]["prompt_tokens"].get<int>() + first["usage"]["completion_tokens"].get<int>() - 1);
}

// A request that would go on for long.
json endless() { return chat_body("Hello", {{"ignore_eos", true}, {"stream", true}, {"temperature", 1}}); }

TEST(ServeChat, AClientThatLeavesFreesItsPlace) {
  const Server server({"--parallel", "1", "--queue", "0"});
  for (int i = 0; i < 3; ++i) {
    std::optional<Connected> client;
    ASSERT_TRUE(server.becomes([&] {
      client.emplace(server.port());
      client->send(request_text("POST", "/v1/chat/completions", endless().dump()));
      return client->read_until("\r\n") && client->starts_with("HTTP/1.1 200");
    }));
    const Reply refused = server.post("/v1/chat/completions", chat_body(kQuestion));
    EXPECT_EQ(refused.status, 429);
    EXPECT_TRUE(refused.headers.contains("retry-after"));
    EXPECT_EQ(refused.json()["error"]["type"], "rate_limit_error");
  }
  EXPECT_TRUE(server.becomes(
      [&] { return server.post("/v1/chat/completions", chat_body(kQuestion)).status == 200; }));
}

TEST(ServeChat, AClientThatLeavesBeforeItsReplyIsNoticed) {
  const Server server({"--parallel", "1", "--log-format", "json", "-c", "4096"});
  {
    Connected client(server.port());
    json body = endless();
    body["stream"] = false;
    client.send(request_text("POST", "/v1/chat/completions", body.dump()));
    ASSERT_TRUE(server.becomes([&] { return server.get("/slots").json()[0]["n_decoded"] > 0; }));
  }
  EXPECT_TRUE(server.becomes([&] { return server.log().find("\"left\":true") != std::string::npos; }));
}

TEST(ServeChat, AClientThatClosesItsSideIsAnswered) {
  const Server server;
  for (const bool stream : {false, true}) {
    Connected client(server.port());
    client.send(
        request_text("POST", "/v1/chat/completions", chat_body(kQuestion, {{"stream", stream}}).dump()));
    client.half_close();
    const std::string all = client.read_all();
    EXPECT_THAT(all, HasSubstr("HTTP/1.1 200 OK"));
    EXPECT_THAT(all, HasSubstr(stream ? "[DONE]" : "The capital of Peru is Lima."));
  }
}

TEST(ServeChat, ATextTooLongIsRefusedWithTheNumbers) {
  const Server server({"-c", "128"});
  const Reply reply = server.post("/v1/chat/completions", chat_body(std::string(4000, 'x')));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json()["error"]["code"], "context_length_exceeded");
  EXPECT_THAT(reply.json()["error"]["message"].get<std::string>(), HasSubstr("holds 128"));
}

}  // namespace
}  // namespace longhand::test
