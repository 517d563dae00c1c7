// Models from ollama's registry and from any URL.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "cli/terminal/output.h"
#include "tests/support/model_sites.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

class PullElsewhere : public testing::Test {
 protected:
  ProcessResult program(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), LONGHAND_PROGRAM);
    return run_process(arguments, "", environment_);
  }

  TempDir home_;
  Environment environment_{
      {"HOME", home_.path().string()}, {"XDG_CACHE_HOME", ""}, {"XDG_DATA_HOME", ""},
      {"OLLAMA_MODELS", ""},           {"HF_HOME", ""},        {"HF_HUB_CACHE", ""},
      {"LONGHAND_MODEL", ""},          {"http_proxy", ""},     {"no_proxy", "127.0.0.1"}};
};

TEST_F(PullElsewhere, AModelOfOllamaLiesWhereOllamaLooks) {
  const std::string bytes = cli::read_text(kGuide);
  const ModelRegistry registry("library/guide", "latest", bytes);
  environment_["OLLAMA_REGISTRY"] = registry.url();
  const ProcessResult result = program({"pull", "ollama:guide"});
  ASSERT_EQ(result.status, 0) << result.err;
  const std::string models = home_.file(".ollama/models");
  EXPECT_EQ(result.out, models + "/blobs/sha256-" + sha256_of(bytes) + "\n");
  EXPECT_EQ(cli::read_text(models + "/manifests/" + registry.host() + "/library/guide/latest"),
            registry.manifest());
  EXPECT_THAT(program({"models"}).out, HasSubstr("library/guide:latest"));
  for (const std::string name : {"ollama:guide", "guide:latest"}) {
    const ProcessResult chat = program({"chat", name, "--temp", "0", "-p", "What is the capital of Peru?"});
    EXPECT_THAT(chat.out, HasSubstr("Lima")) << name << chat.err;
  }
  EXPECT_EQ(program({"pull", "ollama:guide:7b"}).status, 1);
  EXPECT_THAT(program({"pull", "ollama:guide:7b"}).err, HasSubstr("[E_MISSING]"));
}

TEST_F(PullElsewhere, AManifestThatIsNoneIsRefused) {
  std::string manifest;
  const WebServer server([&](const WebRequest&) { return WebAnswer{.body = manifest}; });
  environment_["OLLAMA_REGISTRY"] = server.url();
  for (const char* text :
       {"", "[]", R"({"layers":3})", R"({"layers":[]})",
        R"({"layers":[{"digest":"sha256:..","mediaType":"m","size":1}]})",
        R"({"layers":[{"digest":"../../x","mediaType":"application/vnd.ollama.image.model","size":1}]})"}) {
    manifest = text;
    const ProcessResult result = program({"pull", "ollama:a"});
    EXPECT_EQ(result.status, 1) << text;
    EXPECT_THAT(result.err, HasSubstr("a:latest: ")) << text;
  }
  EXPECT_FALSE(fs::exists(home_.file(".ollama")));
}

// A server of one file, which is cut the first time.
class OneFile {
 public:
  std::string bytes = "GGUF" + std::string(1'000'000, 'x'), tag = "\"v1\"";
  bool cuts = true, vouches = true;
  WebServer server{[this](const WebRequest& request) { return answer(request); }};
  std::string url() const { return server.url() + "/folder/m.gguf?download=true"; }

 private:
  WebAnswer answer(const WebRequest& request) {
    const auto same = request.headers.find("if-range");
    const bool whole = same != request.headers.end() && same->second != tag;
    WebAnswer answer = whole ? WebAnswer{.body = bytes} : file_answer(request, bytes);
    if (vouches) answer.headers.push_back("ETag: " + tag);
    if (cuts) answer.cut_after = 400'000;
    if (cuts && request.from > 0) return {.status = 403};
    return answer;
  }
};

TEST_F(PullElsewhere, AFileIsGoneOnWithWhileItIsTheSame) {
  OneFile file;
  EXPECT_EQ(program({"pull", file.url()}).status, 1);
  file.cuts = false;
  const ProcessResult result = program({"pull", file.url()});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(file.server.requests().back().from, 400'000);
  EXPECT_EQ(cli::read_text(result.out.substr(0, result.out.size() - 1)), file.bytes);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr(".local/share/longhand/models/127.0.0.1:"), HasSubstr("/m.gguf\n")));
  EXPECT_THAT(program({"models"}).out, HasSubstr("/m.gguf"));
}

TEST_F(PullElsewhere, AnotherVersionBeginsAnew) {
  OneFile file;
  EXPECT_EQ(program({"pull", file.url()}).status, 1);
  file.cuts = false;
  file.tag = "\"v2\"";
  file.bytes = "GGUF" + std::string(700'000, 'y');
  const ProcessResult result = program({"pull", file.url()});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(cli::read_text(result.out.substr(0, result.out.size() - 1)), file.bytes);
}

TEST_F(PullElsewhere, AFileNobodyVouchesForBeginsAnew) {
  OneFile file;
  file.vouches = false;
  EXPECT_EQ(program({"pull", file.url()}).status, 1);
  file.cuts = false;
  EXPECT_EQ(program({"pull", file.url()}).status, 0);
  EXPECT_EQ(file.server.requests().back().from, -1);
}

TEST_F(PullElsewhere, APageInsteadOfAModelIsThrownAway) {
  OneFile file;
  file.cuts = false;
  file.bytes = "<!DOCTYPE html>";
  const ProcessResult result = program({"pull", file.url()});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("'<!DO'"), HasSubstr("[E_MAGIC]")));
  EXPECT_THAT(program({"models"}).out, Not(HasSubstr("m.gguf")));
}

TEST_F(PullElsewhere, AChecksumThatIsGivenMustHold) {
  OneFile file;
  file.cuts = false;
  const ProcessResult wrong = program({"pull", file.url(), "--sha256", std::string(64, '0')});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("[E_CORRUPT]"));
  EXPECT_EQ(program({"pull", file.url(), "--sha256", sha256_of(file.bytes)}).status, 0);
  EXPECT_EQ(program({"pull", file.url(), "--sha256", "123"}).status, 2);
}

TEST_F(PullElsewhere, APageOfTheHubMeansItsFile) {
  ModelHub hub;
  hub.files["m-Q8_0.gguf"] = "GGUF and more";
  environment_["HF_ENDPOINT"] = hub.url();
  for (const char* page :
       {"/org/name/blob/main/m-Q8_0.gguf", "/org/name/resolve/main/m-Q8_0.gguf?download=true", "/org/name"}) {
    const ProcessResult result = program({"pull", hub.url() + page});
    EXPECT_EQ(result.status, 0) << page << result.err;
    EXPECT_THAT(result.out, HasSubstr("models--org--name/snapshots/")) << page;
  }
  EXPECT_EQ(hub.store().requests().size(), 1);
}

TEST_F(PullElsewhere, RedirectsThatNeverEndAreGivenUp) {
  const WebServer server(
      [](const WebRequest&) { return WebAnswer{.status = 302, .headers = {"Location: /again.gguf"}}; });
  const ProcessResult result = program({"pull", server.url() + "/m.gguf"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("redirect"));
}

}  // namespace
}  // namespace longhand::test
