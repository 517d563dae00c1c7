// Several models: each loaded when a request names it, and unloaded where another needs its room.
#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/serve/server.h"

namespace longhand::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Of one model under several names.
class Folder {
 public:
  explicit Folder(int models) {
    for (int i = 0; i < models; ++i)
      std::filesystem::copy_file(std::string(LONGHAND_GUIDE) + "/guide-q8_0.gguf",
                                 dir_.file(std::string(1, char('a' + i)) + ".gguf"));
  }
  std::string path() const { return dir_.path().string(); }

 private:
  TempDir dir_;
};

std::vector<std::string> loaded(const Server& server) {
  std::vector<std::string> names;
  const json reply = server.get("/api/ps").json();
  for (const json& model : reply["models"]) names.push_back(model["name"]);
  return names;
}

json asked(const std::string& model) {
  return chat_body("What is the capital of Peru?", {{"model", model}, {"max_tokens", 20}});
}

TEST(ServeModels, AreLoadedWhenTheyAreAskedFor) {
  const Folder folder(3);
  const Server server({"--models-dir", folder.path()}, "-");
  EXPECT_THAT(loaded(server), testing::IsEmpty());
  std::vector<std::string> names;
  const json list = server.get("/v1/models").json();
  for (const json& model : list["data"]) {
    names.push_back(model["id"]);
    EXPECT_EQ(model["status"]["value"], "unloaded");
  }
  EXPECT_THAT(names, testing::ElementsAre("a.gguf", "b.gguf", "c.gguf"));
  EXPECT_EQ(server.get("/api/tags").json()["models"].size(), 3u);
  EXPECT_EQ(server.post("/v1/chat/completions", chat_body("Hello")).status, 400) << "which one?";
  EXPECT_EQ(server.get("/props").status, 400);
  const Reply reply = server.post("/v1/chat/completions", asked("b.gguf"));
  EXPECT_THAT(content_of(reply), HasSubstr("Lima"));
  EXPECT_EQ(reply.json()["model"], "b.gguf");
  EXPECT_THAT(loaded(server), testing::ElementsAre("b.gguf"));
  EXPECT_EQ(server.post("/v1/chat/completions", asked("c")).json()["model"], "c.gguf")
      << "without its ending";
  EXPECT_EQ(server.post("/v1/chat/completions", chat_body("Hello", {{"max_tokens", 2}})).json()["model"],
            "c.gguf")
      << "the one used last";
  EXPECT_EQ(server.post("/api/show", {{"model", "a"}}).status, 200);
  EXPECT_THAT(loaded(server), testing::ElementsAre("a.gguf", "b.gguf", "c.gguf"));
  const Reply unknown = server.post("/v1/chat/completions", asked("gpt-4"));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("gpt-4"));
}

TEST(ServeModels, GiveWayToOthersWhenNobodyUsesThem) {
  const Folder folder(3);
  const auto bytes = std::filesystem::file_size(folder.path() + "/a.gguf");
  const std::string room = std::to_string((bytes * 5 / 2) >> 20);  // for two
  const Server server({"--models-dir", folder.path(), "--models-ram", room}, "-");
  for (const char* model : {"a", "b", "a", "c"})
    EXPECT_EQ(server.post("/v1/chat/completions", asked(model)).status, 200) << model;
  EXPECT_THAT(loaded(server), testing::ElementsAre("a.gguf", "c.gguf"));
}

// More models than there is room for, asked for at once: every request is answered by the model it names.
TEST(ServeModels, ARequestKeepsItsModel) {
  const Folder folder(3);
  const auto bytes = std::filesystem::file_size(folder.path() + "/a.gguf");
  const Server server({"--models-dir", folder.path(), "--models-ram", std::to_string((bytes * 3 / 2) >> 20)},
                      "-");
  std::vector<std::jthread> clients;
  std::vector<std::string> answers(9);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    clients.emplace_back([&, i] {
      const std::string name(1, char('a' + i % 3));
      const Reply reply = server.post("/v1/chat/completions", asked(name));
      answers[i] =
          reply.status == 200 ? reply.json()["model"].get<std::string>() + content_of(reply) : reply.body;
    });
  }
  clients.clear();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_THAT(answers[i], testing::StartsWith(std::string(1, char('a' + i % 3)) + ".gguf"));
    EXPECT_THAT(answers[i], HasSubstr("Lima"));
  }
  EXPECT_EQ(loaded(server).size(), 1u);
}

// A request for another model comes in between, though the first is never idle.
TEST(ServeModels, AModelInConstantUseKeepsNoneOut) {
  const Folder folder(2);
  const auto bytes = std::filesystem::file_size(folder.path() + "/a.gguf");
  const Server server({"--models-dir", folder.path(), "--models-ram", std::to_string((bytes * 3 / 2) >> 20)},
                      "-");
  std::atomic<bool> ends{false};
  std::atomic<int> wrong{0};
  std::vector<std::jthread> clients;
  for (int i = 0; i < 3; ++i)
    clients.emplace_back([&] {
      while (!ends) wrong += server.post("/v1/chat/completions", asked("a")).status != 200;
    });
  EXPECT_EQ(server.post("/v1/chat/completions", asked("a")).status, 200);
  EXPECT_EQ(server.post("/v1/chat/completions", asked("b")).json()["model"], "b.gguf");
  EXPECT_EQ(server.post("/v1/chat/completions", asked("a")).status, 200) << "and the other way round";
  ends = true;
  clients.clear();
  EXPECT_EQ(wrong, 0);
}

TEST(ServeModels, WhatIsCountedOutlivesThem) {
  const Folder folder(2);
  const auto bytes = std::filesystem::file_size(folder.path() + "/a.gguf");
  const Server server({"--models-dir", folder.path(), "--models-ram", std::to_string((bytes * 3 / 2) >> 20)},
                      "-");
  for (const char* model : {"a", "b", "a"}) server.post("/v1/chat/completions", asked(model));
  EXPECT_EQ(loaded(server).size(), 1u);
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("longhand_requests_total 3\n"));
}

// Streams begin before the model is there, so that nobody gives the connection up.
TEST(ServeModels, AStreamTellsThatItsModelIsBeingLoaded) {
  const Folder folder(2);
  const Server server({"--models-dir", folder.path()}, "-");
  json body = asked("a");
  body["stream"] = true;
  const Reply first = server.post("/v1/chat/completions", body);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.headers.at("content-type"), "text/event-stream");
  EXPECT_THAT(first.body, testing::StartsWith(": "));
  EXPECT_EQ(events_of(first.body).back(), "[DONE]");
  EXPECT_THAT(server.post("/v1/chat/completions", body).body, testing::StartsWith("data: "))
      << "it is there by now";
  body["model"] = "b";
  body["max_tokens"] = 30;
  const Reply other = server.post("/v1/messages", body);
  EXPECT_THAT(other.body, testing::StartsWith(": "));
  EXPECT_THAT(other.body, HasSubstr("event: message_stop"));
  body["model"] = "none";
  EXPECT_EQ(server.post("/v1/chat/completions", body).status, 404);
}

TEST(ServeModels, AStreamTellsWhatItsModelFailsWith) {
  const Folder folder(2);
  const Server server({"--models-dir", folder.path()}, "-");
  for (const char* model : {"/a.gguf", "/b.gguf"})
    std::filesystem::resize_file(folder.path() + model, 10'000);
  json body = asked("a");
  body["stream"] = true;
  const Reply chat = server.post("/v1/chat/completions", body);
  EXPECT_EQ(chat.status, 200);
  EXPECT_THAT(json::parse(events_of(chat.body).back())["error"]["message"].get<std::string>(),
              HasSubstr("a.gguf"));
  body["model"] = "b";
  const Reply message = server.post("/v1/messages", body);
  EXPECT_THAT(message.body, HasSubstr("event: error\ndata: {"));
  EXPECT_GE(server.post("/v1/messages", body).status, 400) << "for a while that is known before";
}

// One whose file is damaged is tried once, and those that are loaded stay; once its file is whole it is
// loaded.
TEST(ServeModels, OneThatCannotBeLoadedLeavesOthersLoaded) {
  const Folder folder(3);
  const std::string damaged = folder.path() + "/b.gguf", whole = folder.path() + "/c.gguf";
  const auto bytes = std::filesystem::file_size(whole);
  const Server server({"--models-dir", folder.path(), "--models-ram", std::to_string((bytes * 3 / 2) >> 20)},
                      "-");
  std::filesystem::resize_file(damaged, bytes / 2);
  EXPECT_GE(server.post("/v1/chat/completions", asked("b")).status, 400);
  EXPECT_EQ(server.post("/v1/chat/completions", asked("a")).status, 200);
  EXPECT_GE(server.post("/v1/chat/completions", asked("b")).status, 400);
  EXPECT_THAT(loaded(server), testing::ElementsAre("a.gguf"));
  std::filesystem::remove(damaged);
  std::filesystem::copy_file(whole, damaged);
  EXPECT_EQ(server.post("/v1/chat/completions", asked("b")).status, 200);
}

TEST(ServeModels, OneLargerThanTheRoomIsRefused) {
  const Folder folder(2);
  const Server server({"--models-dir", folder.path(), "--models-ram", "0"}, "-");
  const Reply reply = server.post("/v1/chat/completions", asked("a"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("loaded models may have"));
}

}  // namespace
}  // namespace longhand::test
