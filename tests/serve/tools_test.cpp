// Calls of functions: always JSON that satisfies the schema, in the shape of each API.
#include <gmock/gmock.h>

#include "tests/serve/server.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const char* const kQuestion = "What is the weather in Lima?";

json schema() {
  return {
      {"type", "object"},
      {"properties", {{"city", {{"type", "string"}, {"maxLength", 8}}}, {"unit", {{"enum", {"C", "F"}}}}}},
      {"required", {"city", "unit"}},
      {"additionalProperties", false}};
}

json function() {
  return {{"name", "weather"}, {"description", "Tells the weather"}, {"parameters", schema()}};
}

json functions() { return json::array({{{"type", "function"}, {"function", function()}}}); }

void expect_arguments(const json& arguments) {
  ASSERT_TRUE(arguments.is_object()) << arguments;
  EXPECT_EQ(arguments.size(), 2u);
  EXPECT_TRUE(arguments["city"].is_string());
  EXPECT_TRUE(arguments["unit"] == "C" || arguments["unit"] == "F");
}

class ServeTools : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new Server(); }
  static void TearDownTestSuite() { delete server_; }
  static Reply post(const std::string& path, const json& body) { return server_->post(path, body); }

 private:
  static Server* server_;
};
Server* ServeTools::server_ = nullptr;

TEST_F(ServeTools, ChatCompletions) {
  const json more = {{"tools", functions()}, {"tool_choice", "required"}};
  const json choice = post("/v1/chat/completions", chat_body(kQuestion, more)).json()["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  const json call = choice["message"]["tool_calls"][0];
  EXPECT_EQ(call["type"], "function");
  EXPECT_EQ(call["function"]["name"], "weather");
  expect_arguments(json::parse(call["function"]["arguments"].get<std::string>()));
  json next = chat_body(kQuestion, {{"tools", functions()}, {"max_tokens", 5}});
  next["messages"].push_back(choice["message"]);
  next["messages"].push_back({{"role", "tool"}, {"tool_call_id", call["id"]}, {"content", "sunny"}});
  EXPECT_EQ(post("/v1/chat/completions", next).status, 200);
}

TEST_F(ServeTools, StreamedChatCompletions) {
  const json more = {{"tools", functions()},
                     {"tool_choice", {{"type", "function"}, {"function", {{"name", "weather"}}}}},
                     {"stream", true}};
  std::string name, id, arguments, reason;
  for (const std::string& event : events_of(post("/v1/chat/completions", chat_body(kQuestion, more)).body)) {
    if (event == "[DONE]") break;
    const json choice = json::parse(event)["choices"][0];
    if (choice["finish_reason"].is_string()) reason = choice["finish_reason"];
    for (const json& call : choice["delta"].value("tool_calls", json::array())) {
      EXPECT_EQ(call["index"], 0);
      id += call.value("id", "");
      if (!call.contains("function")) continue;
      name += call["function"].value("name", "");
      arguments += call["function"].value("arguments", "");
    }
  }
  EXPECT_EQ(name, "weather");
  EXPECT_NE(id, "");
  EXPECT_EQ(reason, "tool_calls");
  expect_arguments(json::parse(arguments));
}

TEST_F(ServeTools, AnthropicBlocks) {
  const json body = {{"max_tokens", 400},
                     {"temperature", 0},
                     {"messages", {{{"role", "user"}, {"content", kQuestion}}}},
                     {"tools", {{{"name", "weather"}, {"input_schema", schema()}}}},
                     {"tool_choice", {{"type", "any"}}}};
  const json reply = post("/v1/messages", body).json();
  EXPECT_EQ(reply["stop_reason"], "tool_use");
  EXPECT_EQ(reply["content"].back()["type"], "tool_use");
  expect_arguments(reply["content"].back()["input"]);
}

TEST_F(ServeTools, ResponsesAndOllama) {
  json flat = function();
  flat["type"] = "function";
  const json response = post("/v1/responses", {{"input", kQuestion},
                                               {"temperature", 0},
                                               {"tools", {flat, {{"type", "web_search"}}}},
                                               {"tool_choice", "required"}})
                            .json();
  const json item = response["output"].back();
  EXPECT_EQ(item["type"], "function_call");
  expect_arguments(json::parse(item["arguments"].get<std::string>()));
  const json reply = post("/api/chat", {{"messages", {{{"role", "user"}, {"content", kQuestion}}}},
                                        {"stream", false},
                                        {"tools", functions()},
                                        {"tool_choice", "required"}})
                         .json();
  expect_arguments(reply["message"]["tool_calls"][0]["function"]["arguments"]);
}

// Ends within the call, at a text that every call of this function has in its arguments.
TEST_F(ServeTools, CallsThatWereCutAreNotHandedOut) {
  const json cut = {{"tools", functions()}, {"tool_choice", "required"}, {"stop", "unit"}};
  const json choice = post("/v1/chat/completions", chat_body(kQuestion, cut)).json()["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_FALSE(choice["message"].contains("tool_calls"));
  json streamed = chat_body(kQuestion, cut);
  streamed["stream"] = true;
  EXPECT_THAT(post("/v1/chat/completions", streamed).body,
              testing::Not(HasSubstr("\"finish_reason\":\"tool_calls\"")));
  const json ollama = post("/api/chat", {{"messages", {{{"role", "user"}, {"content", kQuestion}}}},
                                         {"stream", false},
                                         {"tools", functions()},
                                         {"tool_choice", "required"},
                                         {"options", {{"stop", "unit"}}}})
                          .json();
  EXPECT_FALSE(ollama["message"].contains("tool_calls"));
  const json blocks = post("/v1/messages", {{"max_tokens", 400},
                                            {"messages", {{{"role", "user"}, {"content", kQuestion}}}},
                                            {"tools", {{{"name", "weather"}, {"input_schema", schema()}}}},
                                            {"tool_choice", {{"type", "any"}}},
                                            {"stop_sequences", {"unit"}}})
                          .json();
  for (const json& block : blocks["content"]) EXPECT_NE(block["type"], "tool_use");
  json flat = function();
  flat["type"] = "function";
  json ask = {
      {"input", kQuestion}, {"tools", json::array({flat})}, {"tool_choice", "required"}, {"stop", "unit"}};
  EXPECT_EQ(post("/v1/responses", ask).json()["output"].back()["status"], "incomplete");
  ask["stream"] = true;
  EXPECT_THAT(post("/v1/responses", ask).body, HasSubstr("\"status\":\"incomplete\""));
}

// Whatever the seed makes of it.
TEST_F(ServeTools, AnAnswerWithAFormatIsACallOrOfThatFormat) {
  const json format = {{"type", "json_schema"},
                       {"json_schema",
                        {{"name", "city"},
                         {"schema",
                          {{"type", "object"},
                           {"properties", {{"town", {{"enum", {"Lima", "Cusco"}}}}}},
                           {"required", {"town"}}}}}}};
  json ask =
      chat_body(kQuestion, {{"tools", functions()}, {"temperature", 1.5}, {"response_format", format}});
  for (int seed = 0; seed < 6; ++seed) {
    ask["seed"] = seed;
    const json choice = post("/v1/chat/completions", ask).json()["choices"][0];
    if (choice["finish_reason"] == "tool_calls") {
      const json call = choice["message"]["tool_calls"][0];
      expect_arguments(json::parse(call["function"]["arguments"].get<std::string>()));
    } else {
      const json town = json::parse(choice["message"]["content"].get<std::string>())["town"];
      EXPECT_TRUE(town == "Lima" || town == "Cusco") << choice;
    }
  }
  ask["tool_choice"] = "none";
  EXPECT_EQ(post("/v1/chat/completions", ask).json()["choices"][0]["finish_reason"], "stop");
  ask["tool_choice"] = "required";
  EXPECT_EQ(post("/v1/chat/completions", ask).json()["choices"][0]["finish_reason"], "tool_calls");
}

TEST_F(ServeTools, AnotherGrammarIsRefused) {
  const json grammar = {{"tools", functions()}, {"grammar", "root ::= \"a\""}};
  const Reply reply = post("/v1/chat/completions", chat_body(kQuestion, grammar));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("follows their grammar and no other"));
}

TEST_F(ServeTools, WhatIsNoToolIsRefused) {
  for (const json& tools :
       {json::array({{{"type", "function"}, {"function", {{"name", ""}}}}}), json::array({5}),
        json::array(
            {{{"type", "function"}, {"function", {{"name", "f"}, {"parameters", {{"type", 5}}}}}}})}) {
    EXPECT_EQ(post("/v1/chat/completions", chat_body(kQuestion, {{"tools", tools}})).status, 400) << tools;
  }
  EXPECT_EQ(post("/v1/chat/completions", chat_body(kQuestion, {{"tool_choice", "required"}})).status, 400);
}

}  // namespace
}  // namespace longhand::test
