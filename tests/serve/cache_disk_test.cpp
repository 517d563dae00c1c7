// Texts kept on disk: a conversation goes on at once after a restart, and a server that was killed while it
// wrote leaves nothing that the next one minds.
#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

#include "tests/serve/server.h"

namespace longhand::test {
namespace {

using nlohmann::json;

const std::string kLong = "What is the capital of Peru? " + std::string(600, 'x');

json conversation(int turns) {
  json body = chat_body(kLong, {{"max_tokens", 24}, {"seed", 1}});
  for (int i = 1; i < turns; ++i) {
    body["messages"].push_back({{"role", "assistant"}, {"content", "Lima"}});
    body["messages"].push_back({{"role", "user"}, {"content", "And now? " + std::to_string(i)}});
  }
  return body;
}

int cached(const Reply& reply) { return reply.json()["usage"]["prompt_tokens_details"]["cached_tokens"]; }
int prompt_tokens(const Reply& reply) { return reply.json()["usage"]["prompt_tokens"]; }

Arguments kept_in(const std::string& folder, const char* size = "1GiB") {
  return {"--cache-disk", folder + ":" + size, "-ctk", "f32", "-ctv", "f32"};
}

TEST(ServeCacheDisk, AConversationGoesOnAfterARestart) {
  const TempDir dir;
  const std::string folder = dir.file("texts");
  std::string expected;
  {
    Server server(kept_in(folder));
    EXPECT_EQ(cached(server.post("/v1/chat/completions", conversation(1))), 0);
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0);
  }
  {
    const Server fresh({"-ctk", "f32", "-ctv", "f32"});
    expected = content_of(fresh.post("/v1/chat/completions", conversation(2)));
  }
  const Server server(kept_in(folder));
  const Reply second = server.post("/v1/chat/completions", conversation(2));
  EXPECT_EQ(content_of(second), expected);
  EXPECT_GT(cached(second), prompt_tokens(second) - 60);
}

TEST(ServeCacheDisk, AServerThatIsKilledDoesNoHarm) {
  const TempDir dir;
  const std::string folder = dir.file("texts");
  std::string expected;
  for (int i = 0; i < 6; ++i) {
    Server server(kept_in(folder));
    const std::string answer = content_of(server.post("/v1/chat/completions", conversation(1 + i % 2)));
    if (i < 2) expected += answer;
    EXPECT_NE(expected.find(answer), std::string::npos) << i;
    ::usleep(useconds_t(i) * 3000);  // the files are being written, or just were
    server.signal(SIGKILL);
    EXPECT_EQ(server.wait(), 128 + SIGKILL);
  }
  Server server(kept_in(folder));
  EXPECT_NE(expected.find(content_of(server.post("/v1/chat/completions", conversation(1)))),
            std::string::npos);
  server.signal(SIGTERM);  // it ends once its own files are written
  EXPECT_EQ(server.wait(), 0);
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    EXPECT_EQ(entry.path().extension(), ".state") << entry.path();
}

TEST(ServeCacheDisk, TakesNoMoreThanItMay) {
  const TempDir dir;
  const std::string folder = dir.file("texts");
  {
    Server server(kept_in(folder, "24MiB"));
    for (int i = 0; i < 6; ++i)
      server.post("/v1/chat/completions", chat_body(std::to_string(i) + kLong, {{"max_tokens", 2}}));
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0);
  }
  std::uintmax_t sum = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) sum += entry.file_size();
  EXPECT_GT(sum, 0u);
  EXPECT_LE(sum, 24u << 20);
}

}  // namespace
}  // namespace longhand::test
