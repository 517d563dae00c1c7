// The other APIs: each in the shape that its clients expect.
#include <gmock/gmock.h>

#include "tests/serve/server.h"
#include "tests/support/golden.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

const char* const kQuestion = "What is the capital of Peru?";
const char* const kAnswer = "The capital of Peru is Lima.";

// One server for all that only ask.
class ServeApis : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new Server(); }
  static void TearDownTestSuite() { delete server_; }
  static Reply post(const std::string& path, const json& body) { return server_->post(path, body); }
  static Reply get(const std::string& path) { return server_->get(path); }

 private:
  static Server* server_;
};
Server* ServeApis::server_ = nullptr;

json user_message() { return json::array({{{"role", "user"}, {"content", kQuestion}}}); }

// The types of server-sent events, and their data.
std::vector<json> typed_events(const Reply& reply) {
  std::vector<json> events;
  for (const std::string& text : events_of(reply.body)) events.push_back(json::parse(text));
  return events;
}

TEST_F(ServeApis, Completions) {
  const json body = {{"prompt", "hello"}, {"max_tokens", 4}, {"temperature", 0}, {"logprobs", 2}};
  const json whole = post("/v1/completions", body).json();
  EXPECT_EQ(whole["object"], "text_completion");
  const json choice = whole["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "length");
  EXPECT_EQ(choice["logprobs"]["tokens"].size(), 4u);
  EXPECT_EQ(choice["logprobs"]["text_offset"][0], 0);
  json streamed = body;
  streamed["stream"] = true;
  const Reply reply = post("/v1/completions", streamed);
  std::vector<std::string> events = events_of(reply.body);
  ASSERT_EQ(events.back(), "[DONE]");
  events.pop_back();
  std::string text;
  for (const std::string& event : events) text += json::parse(event)["choices"][0]["text"].get<std::string>();
  EXPECT_EQ(text, choice["text"]);
  const json many =
      post("/v1/completions", {{"prompt", {"hello", "good"}}, {"n", 2}, {"max_tokens", 2}}).json();
  EXPECT_EQ(many["choices"].size(), 4u);
  const json tokens = post("/tokenize", {{"content", "hello"}, {"add_special", true}}).json()["tokens"];
  const json same =
      post("/v1/completions", {{"prompt", tokens}, {"max_tokens", 4}, {"temperature", 0}}).json();
  EXPECT_EQ(same["choices"][0]["text"], choice["text"]);
  EXPECT_EQ(post("/v1/completions", {{"prompt", "a"}, {"suffix", "b"}}).status, 501) << "it cannot fill in";
  EXPECT_EQ(post("/v1/completions", {{"prompt", {-1}}}).status, 400);
  EXPECT_EQ(post("/v1/completions", {{"prompt", json::object()}}).status, 400);
}

TEST_F(ServeApis, TokensAndTemplates) {
  const json tokens = post("/tokenize", {{"content", "good morning"}}).json()["tokens"];
  EXPECT_EQ(post("/detokenize", {{"tokens", tokens}}).json()["content"], "good morning");
  const json pieces =
      post("/tokenize", {{"content", "good morning"}, {"with_pieces", true}}).json()["tokens"];
  std::string text;
  for (const json& piece : pieces) text += piece["piece"].get<std::string>();
  EXPECT_EQ(text, "good morning");
  const Reply much = post("/tokenize", {{"content", std::string((1 << 20) + 1, 'x')}, {"with_pieces", true}});
  EXPECT_EQ(much.status, 400);
  EXPECT_THAT(much.body, HasSubstr("1048577 bytes"));
  const std::string prompt = post("/apply-template", {{"messages", user_message()}}).json()["prompt"];
  EXPECT_THAT(prompt, HasSubstr(kQuestion));
  EXPECT_GT(prompt.size(), std::string(kQuestion).size() + 10);
}

TEST_F(ServeApis, State) {
  EXPECT_EQ(get("/props").json()["total_slots"], 4);
  const json slots = get("/slots").json();
  ASSERT_EQ(slots.size(), 4u);
  EXPECT_EQ(slots[0]["is_processing"], false);
  EXPECT_EQ(slots[0]["n_ctx"], 2048);
  const Reply metrics = get("/metrics");
  EXPECT_THAT(metrics.headers.at("content-type"), HasSubstr("text/plain"));
  EXPECT_THAT(metrics.body, HasSubstr("# TYPE longhand_requests_total counter\nlonghand_requests_total "));
  EXPECT_EQ(get("/v1/models").json()["data"][0]["id"], "guide-q8_0");
}

TEST_F(ServeApis, AnthropicMessages) {
  json body = {{"model", "claude"}, {"max_tokens", 50}, {"temperature", 0}, {"messages", user_message()}};
  const json whole = post("/v1/messages", body).json();
  EXPECT_EQ(whole["type"], "message");
  EXPECT_EQ(whole["content"], json::array({{{"type", "text"}, {"text", kAnswer}}}));
  EXPECT_EQ(whole["stop_reason"], "end_turn");
  const int counted =
      post("/v1/messages/count_tokens", {{"messages", user_message()}}).json()["input_tokens"];
  EXPECT_EQ(whole["usage"]["input_tokens"].get<int>() + whole["usage"]["cache_read_input_tokens"].get<int>(),
            counted);
  body["stop_sequences"] = {" Peru"};
  const json stopped = post("/v1/messages", body).json();
  EXPECT_EQ(stopped["stop_reason"], "stop_sequence");
  EXPECT_EQ(stopped["stop_sequence"], " Peru");
  body["max_tokens"] = 2;
  EXPECT_EQ(post("/v1/messages", body).json()["stop_reason"], "max_tokens");
}

TEST_F(ServeApis, AnthropicEventsComeInOrder) {
  const Reply reply =
      post("/v1/messages",
           {{"max_tokens", 50}, {"temperature", 0}, {"stream", true}, {"messages", user_message()}});
  std::vector<std::string> types;
  std::string text;
  for (const json& event : typed_events(reply)) {
    const std::string type = event["type"];
    if (types.empty() || types.back() != type) types.push_back(type);
    if (type == "content_block_delta") text += event["delta"]["text"].get<std::string>();
    if (type == "message_start") { EXPECT_EQ(event["message"]["content"], json::array()); }
    if (type == "message_delta") { EXPECT_EQ(event["delta"]["stop_reason"], "end_turn"); }
  }
  EXPECT_EQ(text, kAnswer);
  EXPECT_THAT(types, ElementsAre("message_start", "ping", "content_block_start", "content_block_delta",
                                 "content_block_stop", "message_delta", "message_stop"));
  EXPECT_THAT(reply.body, HasSubstr("event: message_stop\ndata: "));
}

TEST_F(ServeApis, ABlockThatChangesDoesNotSpoilThePrefix) {
  const auto ask = [&](const std::string& meter) {
    const json system = {{{"type", "text"}, {"text", "x-anthropic-billing-header: " + meter}},
                         {{"type", "text"}, {"text", "You are a guide, and you answer shortly and well."}}};
    return post("/v1/messages", {{"max_tokens", 5}, {"system", system}, {"messages", user_message()}})
        .json()["usage"];
  };
  ask("cch=1");
  EXPECT_LE(ask("cch=234")["input_tokens"], 2);
}

TEST_F(ServeApis, AnthropicErrors) {
  for (const json& body :
       {json{{"messages", user_message()}}, json{{"max_tokens", 5}},
        json{{"max_tokens", 5}, {"messages", {{{"role", "user"}, {"content", {{{"type", "image"}}}}}}}},
        json{{"max_tokens", 5}, {"system", 7}, {"messages", user_message()}},
        json{{"max_tokens", 5}, {"messages", {{{"role", "robot"}, {"content", "x"}}}}}}) {
    const Reply reply = post("/v1/messages", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.json()["type"], "error");
    EXPECT_EQ(reply.json()["error"]["type"], "invalid_request_error");
  }
}

TEST_F(ServeApis, AnthropicToolResultsAreTheToolsMessages) {
  const json messages = {
      {{"role", "user"}, {"content", kQuestion}},
      {{"role", "assistant"},
       {"content",
        {{{"type", "text"}, {"text", "I look."}},
         {{"type", "tool_use"}, {"id", "t1"}, {"name", "look"}, {"input", {{"city", "Lima"}}}}}}},
      {{"role", "user"},
       {"content",
        {{{"type", "tool_result"}, {"tool_use_id", "t1"}, {"content", "found"}},
         {{"type", "text"}, {"text", "Well?"}}}}}};
  const Reply reply = post("/v1/messages", {{"max_tokens", 5}, {"messages", messages}});
  EXPECT_EQ(reply.status, 200) << reply.body;
}

TEST_F(ServeApis, Responses) {
  const json whole = post("/v1/responses", {{"input", kQuestion}, {"temperature", 0}}).json();
  EXPECT_EQ(whole["object"], "response");
  EXPECT_EQ(whole["status"], "completed");
  EXPECT_EQ(whole["output"][0]["type"], "message");
  EXPECT_EQ(whole["output"][0]["content"][0]["text"], kAnswer);
  EXPECT_GT(whole["usage"]["output_tokens"], 3);
  const json cut = post("/v1/responses", {{"input", kQuestion}, {"max_output_tokens", 2}}).json();
  EXPECT_EQ(cut["status"], "incomplete");
  EXPECT_EQ(cut["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(post("/v1/responses", {{"input", 5}}).status, 400);
  EXPECT_EQ(post("/v1/responses", {{"input", kQuestion}, {"previous_response_id", "x"}}).status, 400);
}

TEST_F(ServeApis, ResponseEventsComeInOrder) {
  const json input = {{{"role", "user"}, {"content", {{{"type", "input_text"}, {"text", kQuestion}}}}}};
  const Reply reply = post("/v1/responses", {{"input", input}, {"temperature", 0}, {"stream", true}});
  std::vector<std::string> types;
  std::string text;
  int number = 0;
  for (const json& event : typed_events(reply)) {
    EXPECT_EQ(event["sequence_number"], number++);
    if (types.empty() || types.back() != event["type"]) types.push_back(event["type"]);
    if (event["type"] == "response.output_text.delta") text += event["delta"].get<std::string>();
    if (event["type"] == "response.completed") {
      EXPECT_EQ(event["response"]["output"][0]["content"][0]["text"], kAnswer);
    }
  }
  EXPECT_EQ(text, kAnswer);
  EXPECT_THAT(types, ElementsAre("response.created", "response.in_progress", "response.output_item.added",
                                 "response.content_part.added", "response.output_text.delta",
                                 "response.output_text.done", "response.content_part.done",
                                 "response.output_item.done", "response.completed"));
}

TEST_F(ServeApis, OllamaChat) {
  const json body = {{"model", "x"}, {"messages", user_message()}, {"options", {{"temperature", 0}}}};
  const Reply streamed = post("/api/chat", body);
  EXPECT_EQ(streamed.headers.at("content-type"), "application/x-ndjson");
  std::istringstream lines(streamed.body);
  std::string text;
  json last;
  for (std::string line; std::getline(lines, line);) {
    last = json::parse(line);
    text += last["message"]["content"].get<std::string>();
  }
  EXPECT_EQ(text, kAnswer);
  EXPECT_EQ(last["done"], true);
  EXPECT_EQ(last["done_reason"], "stop");
  EXPECT_GT(last["eval_count"], 3);
  json whole = body;
  whole["stream"] = false;
  EXPECT_EQ(post("/api/chat", whole).json()["message"]["content"], kAnswer);
  whole["options"]["num_predict"] = 2;
  EXPECT_EQ(post("/api/chat", whole).json()["done_reason"], "length");
  whole["options"] = {{"temperature", "hot"}};
  const Reply wrong = post("/api/chat", whole);
  EXPECT_EQ(wrong.status, 400);
  EXPECT_TRUE(wrong.json()["error"].is_string());
}

TEST_F(ServeApis, OllamaGenerateAndModels) {
  const json reply =
      post("/api/generate", {{"prompt", kQuestion}, {"stream", false}, {"options", {{"temperature", 0}}}})
          .json();
  EXPECT_EQ(reply["response"], kAnswer);
  EXPECT_EQ(post("/api/generate", {{"model", "x"}}).json()["done_reason"], "load");
  EXPECT_EQ(get("/api/tags").json()["models"][0]["name"], "guide-q8_0");
  EXPECT_EQ(post("/api/show", {{"model", "x"}}).json()["capabilities"][0], "completion");
  EXPECT_TRUE(get("/api/version").json()["version"].is_string());
  const json format = {
      {"type", "object"}, {"properties", {{"a", {{"type", "integer"}}}}}, {"required", {"a"}}};
  const std::string held =
      post("/api/generate", {{"prompt", kQuestion}, {"stream", false}, {"format", format}})
          .json()["response"];
  EXPECT_TRUE(json::parse(held)["a"].is_number_integer());
}

TEST_F(ServeApis, EmbeddingsOfAModelThatWrites) {
  const json reply = post("/v1/embeddings", {{"input", {"good morning", "good evening"}}}).json();
  ASSERT_EQ(reply["data"].size(), 2u);
  const auto vector = reply["data"][0]["embedding"].get<std::vector<double>>();
  EXPECT_EQ(vector.size(), 256u);
  double squares = 0;
  for (const double x : vector) squares += x * x;
  EXPECT_NEAR(squares, 1, 1e-4);
  const json shorter = post("/v1/embeddings", {{"input", "good morning"}, {"dimensions", 8}}).json();
  EXPECT_EQ(shorter["data"][0]["embedding"].size(), 8u);
  const json coded =
      post("/v1/embeddings", {{"input", "good morning"}, {"encoding_format", "base64"}}).json();
  EXPECT_EQ(coded["data"][0]["embedding"].get<std::string>().size(), (1024u + 2) / 3 * 4);
  EXPECT_EQ(post("/api/embed", {{"input", "good morning"}}).json()["embeddings"][0],
            reply["data"][0]["embedding"]);
  EXPECT_EQ(post("/v1/embeddings", {{"input", json::array()}}).status, 400);
  EXPECT_EQ(post("/v1/embeddings", {{"input", std::string(9000, 'x')}}).status, 400);
  const json ranked = post("/v1/rerank", {{"query", "good morning"},
                                          {"documents", {"a house", "good morning"}},
                                          {"top_n", 1},
                                          {"return_documents", true}})
                          .json();
  EXPECT_EQ(post("/v1/rerank", {{"query", "x"}, {"documents", std::vector<std::string>(2049, "x")}}).status,
            400);
  ASSERT_EQ(ranked["results"].size(), 1u);
  EXPECT_EQ(ranked["results"][0]["index"], 1);
  EXPECT_EQ(ranked["results"][0]["document"]["text"], "good morning");
}

TEST(ServeVectors, OnesBeyondTheQueueAreTurnedAwayAndThoseOfClientsThatLeaveEnd) {
  const Server server({"--queue", "0"});
  const json longer = {{"input", std::vector<std::string>(2048, std::string(500, 'x'))}};
  {
    std::vector<std::unique_ptr<Connected>> clients;
    EXPECT_TRUE(server.becomes([&] {
      clients.push_back(std::make_unique<Connected>(server.port()));
      clients.back()->send(request_text("POST", "/v1/embeddings", longer.dump()));
      return server.post("/v1/embeddings", {{"input", "x"}}).status == 429;
    }));
  }
  EXPECT_TRUE(server.becomes([&] { return server.post("/v1/embeddings", {{"input", "x"}}).status == 200; }));
  EXPECT_TRUE(server.becomes([&] { return server.log().find("/v1/embeddings 503") != std::string::npos; }))
      << "the pass under way was the last";
}

TEST(ServeVectors, AModelThatOnlyEmbeds) {
  const TempDir folder;
  GgufWriter writer = tiny_llama();
  writer.add("llama.attention.causal", false).add("llama.pooling_type", std::uint32_t{1});
  writer.write(folder.file("embedding.gguf"));
  const Server server({}, folder.file("embedding.gguf"));
  EXPECT_EQ(server.post("/v1/embeddings", {{"input", "ghi"}}).json()["data"][0]["embedding"].size(), 32u);
  const Reply refused = server.post("/v1/chat/completions", chat_body("hello"));
  EXPECT_EQ(refused.status, 501);
  EXPECT_THAT(refused.body, HasSubstr("writes none"));
  EXPECT_EQ(server.get("/health").status, 200);
  EXPECT_EQ(server.get("/slots").status, 501);
}

}  // namespace
}  // namespace longhand::test
