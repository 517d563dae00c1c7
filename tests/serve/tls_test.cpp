// TLS, as curl speaks it.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "tests/serve/server.h"
#include "tests/support/golden.h"

namespace longhand::test {
namespace {

using nlohmann::json;

bool has(const char* program) {
  return std::system((std::string("command -v ") + program + " > /dev/null 2>&1").c_str()) == 0;
}

std::string output_of(const std::string& command) {
  const TempDir dir;
  const std::string file = dir.file("out");
  EXPECT_EQ(std::system((command + " > " + file).c_str()), 0) << command;
  return read_text(file);
}

class ServeTls : public testing::Test {
 protected:
  void SetUp() override {
    if (!has("openssl") || !has("curl")) GTEST_SKIP() << "needs openssl and curl";
    output_of(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
        "subjectAltName=IP:127.0.0.1 -keyout " +
        key_ + " -out " + certificate_ + " 2> /dev/null");
  }
  std::string curl(const Server& server, const std::string& more) const {
    return output_of("curl -sS --max-time 60 --cacert " + certificate_ + " " + more +
                     " https://127.0.0.1:" + std::to_string(server.port()));
  }

  TempDir dir_;
  const std::string key_ = dir_.file("key.pem"), certificate_ = dir_.file("certificate.pem");
};

TEST_F(ServeTls, ClientsAreAnswered) {
  const Server server({"--ssl-key-file", key_, "--ssl-cert-file", certificate_});
  EXPECT_THAT(curl(server, ""), testing::HasSubstr("<html")) << "the page";
  // More than one record of TLS, in both directions, and two requests of one connection.
  const json padded = {{"padding", std::string(60'000, ' ')}};
  const std::string body = dir_.write("body", chat_body("What is the capital of Peru?", padded).dump());
  const std::string answer =
      curl(server, "-d @" + body + " https://127.0.0.1:" + std::to_string(server.port()) +
                       "/v1/chat/completions --next -sS --cacert " + certificate_);
  EXPECT_THAT(answer, testing::HasSubstr("Lima"));
  EXPECT_THAT(answer, testing::HasSubstr("<html"));
  const std::string stream =
      dir_.write("stream", chat_body("What is the capital of Peru?", {{"stream", true}}).dump());
  EXPECT_THAT(curl(server, "-d @" + stream + " https://127.0.0.1:" + std::to_string(server.port()) +
                               "/v1/chat/completions --next -sS --cacert " + certificate_),
              testing::HasSubstr("data: [DONE]"));
}

TEST_F(ServeTls, WhoSpeaksNoneLearnsNothing) {
  const Server server({"--ssl-key-file", key_, "--ssl-cert-file", certificate_});
  Connected plain(server.port());
  plain.send(request_text("GET", "/health"));
  EXPECT_EQ(plain.read_all().find("HTTP/1.1 200"), std::string::npos);
  EXPECT_THAT(curl(server, ""), testing::HasSubstr("<html")) << "others are still served";
}

TEST_F(ServeTls, AKeyThatEverybodyMayReadIsNoted) {
  const auto others = std::filesystem::perms::others_read;
  std::filesystem::permissions(key_, others, std::filesystem::perm_options::remove);
  const Arguments flags = {"--ssl-key-file", key_, "--ssl-cert-file", certificate_};
  EXPECT_THAT(Server(flags).log(), testing::Not(testing::HasSubstr("private key")));
  std::filesystem::permissions(key_, others, std::filesystem::perm_options::add);
  EXPECT_THAT(Server(flags).log(), testing::HasSubstr("every user of this machine may read it"));
}

// What a server that does not start says.
std::string refusal(const std::string& flags) {
  const TempDir dir;
  const std::string file = dir.file("said");
  const std::string command =
      std::string("timeout 30 ") + LONGHAND_PROGRAM + " serve " LONGHAND_GUIDE "/guide-q8_0.gguf " + flags;
  EXPECT_NE(std::system((command + " < /dev/null > /dev/null 2> " + file).c_str()), 0) << command;
  return read_text(file);
}

TEST_F(ServeTls, KeysThatCannotBeUsedAreRefused) {
  const std::string locked = dir_.file("locked.pem"), other = dir_.file("other.pem");
  output_of("openssl pkey -in " + key_ + " -aes256 -passout pass:word -out " + locked);
  output_of("openssl genrsa -out " + other + " 2048 2> /dev/null");
  const std::string certificate = " --ssl-cert-file " + certificate_;
  EXPECT_THAT(refusal("--ssl-key-file " + locked + certificate), testing::HasSubstr("encrypted"));
  EXPECT_THAT(refusal("--ssl-key-file " + other + certificate), testing::HasSubstr("mismatch"));
  EXPECT_THAT(refusal(certificate), testing::HasSubstr("--ssl-key-file"));
  EXPECT_THAT(refusal("--ssl-key-file " + key_), testing::HasSubstr("--ssl-cert-file"));
}

}  // namespace
}  // namespace longhand::test
