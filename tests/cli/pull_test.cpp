// Models from the network: brought whole, gone on with after any interruption, refused where they are not
// what was promised.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/terminal/output.h"
#include "tests/support/model_sites.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

// Bytes of which no two megabytes are the same.
std::string some_bytes(std::size_t size, unsigned seed = 1) {
  std::string out(size, '\0');
  for (char& c : out) c = char((seed = seed * 1664525 + 1013904223) >> 24);
  return out;
}

class Pull : public testing::Test {
 protected:
  Pull() {
    environment_["HF_ENDPOINT"] = hub_.url();
    fs::create_directory(home_.file("here"));
  }

  ProcessResult program(const std::string& arguments, const std::string& before = "") {
    return run_process(
        {"/bin/bash", "-c",
         "cd '" + home_.file("here") + "' && " + before + " exec " + LONGHAND_PROGRAM + " " + arguments},
        "", environment_);
  }
  TerminalProcess at_terminal(const std::string& arguments) {
    return TerminalProcess({"/bin/bash", "-c", std::string("exec ") + LONGHAND_PROGRAM + " " + arguments},
                           environment_);
  }
  std::vector<std::string> listed() {
    std::vector<std::string> out;
    for (const auto& entry : nlohmann::json::parse(program("models --json").out))
      out.push_back(entry["source"].get<std::string>() + " " + entry["name"].get<std::string>());
    return out;
  }
  std::string blob(const std::string& bytes) const {
    return home_.file(".cache/huggingface/hub/models--org--name/blobs/" + sha256_of(bytes));
  }
  std::string part(const std::string& bytes) const { return blob(bytes) + ".incomplete"; }
  std::vector<std::int64_t> starts(const WebServer& server) const {
    std::vector<std::int64_t> out;
    for (const WebRequest& request : server.requests()) out.push_back(request.from);
    return out;
  }

  TempDir home_;
  ModelHub hub_;
  Environment environment_{{"HOME", home_.path().string()},
                           {"XDG_CACHE_HOME", ""},
                           {"XDG_DATA_HOME", ""},
                           {"XDG_STATE_HOME", ""},
                           {"OLLAMA_MODELS", ""},
                           {"LLAMA_CACHE", ""},
                           {"HF_HOME", ""},
                           {"HF_HUB_CACHE", ""},
                           {"HF_TOKEN", ""},
                           {"LONGHAND_MODEL", ""},
                           {"http_proxy", ""},
                           {"no_proxy", "127.0.0.1"}};
};

TEST_F(Pull, AModelOfTheHubIsListedAndOpenedByItsName) {
  hub_.files["guide-Q8_0.gguf"] = cli::read_text(kGuide);
  const ProcessResult result = program("pull hf:org/name");
  ASSERT_EQ(result.status, 0) << result.err;
  const std::string path = result.out.substr(0, result.out.size() - 1);
  EXPECT_EQ(cli::read_text(path), hub_.files["guide-Q8_0.gguf"]);
  EXPECT_THAT(listed(), Contains("Hugging Face org/name/guide-Q8_0.gguf"));
  environment_["HF_ENDPOINT"] = "http://127.0.0.1:1";  // nobody is asked for what is here
  for (const char* name :
       {"org/name", "org/name:q8_0", "guide-Q8_0", "-hf org/name", "-hf org/name:Q8_0", "hf:org/name"}) {
    const ProcessResult chat =
        program(fmt::format("chat {} --temp 0 -p 'What is the capital of Peru?'", name));
    EXPECT_THAT(chat.out, HasSubstr("Lima")) << name << chat.err;
  }
}

TEST_F(Pull, WhatIsThereIsNotDownloadedAgain) {
  hub_.files["m.gguf"] = some_bytes(1000);
  EXPECT_EQ(program("pull hf:org/name").status, 0);
  EXPECT_EQ(program("pull hf:org/name").status, 0);
  EXPECT_EQ(hub_.store().requests().size(), 1);
}

TEST_F(Pull, TheHfFlagDownloadsAndGoesOn) {
  hub_.files["guide-Q8_0.gguf"] = cli::read_text(kGuide);
  hub_.files["guide-Q4_K_M.gguf"] = "another";
  const ProcessResult chat =
      program("chat -hf org/name -hff guide-Q8_0.gguf --temp 0 -p 'What is the capital of Peru?'");
  EXPECT_THAT(chat.out, HasSubstr("Lima")) << chat.err;
  const ProcessResult run = program("run -hf org/name:Q8_0 --temp 0 -n 1 -p Hello");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(hub_.store().requests().size(), 1);
}

TEST_F(Pull, VariablesNameAModelOfTheHub) {
  hub_.files["guide-Q8_0.gguf"] = cli::read_text(kGuide);
  environment_["LLAMA_ARG_HF_REPO"] = "org/name:Q8_0";
  EXPECT_EQ(program("run --temp 0 -n 1 -p Hello").status, 0);
  EXPECT_EQ(hub_.store().requests().size(), 1);
  EXPECT_EQ(program("run -m /nowhere -n 1 -p Hello").status, 1);
  EXPECT_EQ(program("run " + kGuide + " -n 1 -p Hello").status, 0);
  environment_["LLAMA_ARG_HF_FILE"] = "other.gguf";
  EXPECT_THAT(program("run -n 1 -p Hello").err, HasSubstr("has no 'other.gguf'"));
}

TEST_F(Pull, TheTokenIsShownToTheHubAndNobodyElse) {
  hub_.files["m.gguf"] = some_bytes(1000);
  hub_.token = "hf_secret";
  const ProcessResult without = program("pull hf:org/name");
  EXPECT_EQ(without.status, 1);
  EXPECT_THAT(without.err, AllOf(HasSubstr("status 401"), HasSubstr("HF_TOKEN")));
  environment_["HF_TOKEN"] = "hf_secret";
  const ProcessResult with = program("pull hf:org/name");
  EXPECT_EQ(with.status, 0) << with.err;
  EXPECT_THAT(with.err, Not(HasSubstr("hf_secret")));
  for (const WebRequest& request : hub_.store().requests())
    EXPECT_EQ(request.headers.count("authorization"), 0);
}

TEST_F(Pull, WhatIsNotThereIsNamed) {
  hub_.files["m-Q4_K_M.gguf"] = "x";
  const ProcessResult repository = program("pull hf:org/other");
  EXPECT_EQ(repository.status, 1);
  EXPECT_THAT(repository.err,
              AllOf(HasSubstr("org/other"), HasSubstr("127.0.0.1"), HasSubstr("[E_MISSING]")));
  const ProcessResult quant = program("pull hf:org/name:Q9_K");
  EXPECT_EQ(quant.status, 1);
  EXPECT_THAT(quant.err, AllOf(HasSubstr("Q9_K"), HasSubstr("m-Q4_K_M.gguf")));
}

TEST_F(Pull, AServerThatWantsFewerRequestsIsWaitedFor) {
  hub_.files["m.gguf"] = some_bytes(1000);
  std::atomic<int> refused = 0;
  const auto refuse = [&](const WebRequest&) -> std::optional<WebAnswer> {
    if (++refused % 3 == 0) return {};
    return WebAnswer{.status = 429, .headers = {"Retry-After: 0"}};
  };
  hub_.list_fault = hub_.file_fault = refuse;
  EXPECT_EQ(program("pull hf:org/name").status, 0);
  EXPECT_EQ(refused, 6);
}

TEST_F(Pull, AServerThatRefusesForGoodIsGivenUp) {
  hub_.list_fault = [&](const WebRequest&) {
    return WebAnswer{.status = 503, .headers = {"Retry-After: 0"}};
  };
  const ProcessResult busy = program("pull hf:org/name");
  EXPECT_EQ(busy.status, 1);
  EXPECT_THAT(busy.err, AllOf(HasSubstr("status 503"), HasSubstr("after 6 tries")));
  hub_.list_fault = [&](const WebRequest&) {
    return WebAnswer{.status = 429, .headers = {"Retry-After: 86400"}};
  };
  EXPECT_THAT(program("pull hf:org/name").err, HasSubstr("come back in 86400 s"));
}

TEST_F(Pull, ACutConnectionIsGoneOnWithWhereItWas) {
  const std::string bytes = hub_.files["m.gguf"] = some_bytes(3'000'000);
  hub_.file_fault = [&](const WebRequest& request) {
    WebAnswer answer = file_answer(request, bytes);
    answer.cut_after = 1'000'000;
    return answer;
  };
  const ProcessResult result = program("pull hf:org/name");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(cli::read_text(blob(bytes)), bytes);
  EXPECT_THAT(starts(hub_.store()), ElementsAre(-1, 1'000'000, 2'000'000));
}

TEST_F(Pull, AServerThatKnowsNoRangesSendsAllOfIt) {
  const std::string bytes = hub_.files["m.gguf"] = some_bytes(3'000'000);
  hub_.file_fault = [&](const WebRequest& request) {
    WebAnswer answer{.body = bytes};
    if (request.from < 0) answer.cut_after = 1'000'000;
    return answer;
  };
  const ProcessResult result = program("pull hf:org/name");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(cli::read_text(blob(bytes)), bytes);
}

TEST_F(Pull, OtherBytesThanPromisedAreThrownAway) {
  hub_.files["m.gguf"] = some_bytes(1000);
  hub_.claimed["m.gguf"] = std::string(64, 'a');
  const ProcessResult result = program("pull hf:org/name");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("SHA-256"), HasSubstr(std::string(64, 'a')), HasSubstr("[E_CORRUPT]")));
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(listed(), Not(Contains(HasSubstr("org/name"))));
  EXPECT_TRUE(fs::is_empty(fs::path(blob("")).parent_path()));
}

TEST_F(Pull, AnotherSizeThanPromisedIsRefused) {
  hub_.files["m.gguf"] = some_bytes(1000);
  hub_.file_fault = [](const WebRequest&) { return WebAnswer{.body = some_bytes(1001)}; };
  const ProcessResult result = program("pull hf:org/name");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("1001"), HasSubstr("must have 1000"), HasSubstr("[E_MISMATCH]")));
}

TEST_F(Pull, AStartThatDoesNotBelongToItIsReplaced) {
  const std::string bytes = hub_.files["m.gguf"] = some_bytes(1000);
  fs::create_directories(fs::path(part(bytes)).parent_path());
  home_.write(fs::path(part(bytes)).lexically_relative(home_.path()).string(), some_bytes(500, 7));
  const ProcessResult result = program("pull hf:org/name");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("does not belong"));
  EXPECT_THAT(starts(hub_.store()), ElementsAre(500, -1));
  EXPECT_EQ(cli::read_text(blob(bytes)), bytes);
}

TEST_F(Pull, AFullDiskStopsItAndTheNextRunGoesOn) {
  const std::string bytes = hub_.files["m.gguf"] = some_bytes(300'000);
  const ProcessResult full = program("pull hf:org/name", "ulimit -f 200;");  // KiB
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr("cannot write"), HasSubstr("200.00 KiB"), HasSubstr("[E_IO]")));
  EXPECT_FALSE(fs::exists(blob(bytes)));
  EXPECT_EQ(program("pull hf:org/name").status, 0);
  EXPECT_THAT(starts(hub_.store()), ElementsAre(-1, 200 * 1024));
  EXPECT_EQ(cli::read_text(blob(bytes)), bytes);
}

TEST_F(Pull, ADiskThatIsTooSmallIsSeenBefore) {
  hub_.list_fault = [](const WebRequest&) {
    return WebAnswer{
        .body = fmt::format(R"({{"sha":"ab","siblings":[{{"rfilename":"m.gguf","lfs":{{"sha256":"{}",)"
                            R"("size":{}}}}}]}})",
                            std::string(64, 'a'), std::int64_t{1} << 58)};
  };
  const ProcessResult result = program("pull hf:org/name");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("are to come"), HasSubstr("free"), HasSubstr("[E_IO]")));
  EXPECT_THAT(hub_.store().requests(), IsEmpty());
}

TEST_F(Pull, KilledItGoesOnWithWhatIsThere) {
  const std::string bytes = hub_.files["m.gguf"] = some_bytes(3'000'000);
  std::atomic<bool> held = true;
  hub_.file_fault = [&](const WebRequest& request) {
    WebAnswer answer = file_answer(request, bytes);
    if (held) answer.hold_after = 2'000'000;
    return answer;
  };
  {
    TerminalProcess pull = at_terminal("pull hf:org/name");
    ASSERT_TRUE(pull.expect(" left"));
    EXPECT_THAT(pull.screen(), AllOf(HasSubstr("m.gguf"), HasSubstr("MiB"), HasSubstr(" %")));
    const ProcessResult second = program("pull hf:org/name");
    EXPECT_EQ(second.status, 1);
    EXPECT_THAT(second.err, AllOf(HasSubstr("another process"), HasSubstr("[E_BUSY]")));
    pull.signal(SIGKILL);
    EXPECT_EQ(pull.wait(), 128 + SIGKILL);
  }
  EXPECT_THAT(program("pull hf:org/name --dry-run").out, HasSubstr("1.91 MiB are there"));
  held = false;
  const ProcessResult result = program("pull hf:org/name");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(cli::read_text(blob(bytes)), bytes);
  EXPECT_EQ(starts(hub_.store()).back(), 2'000'000);
}

TEST_F(Pull, CtrlCLeavesAndTellsHowToGoOn) {
  const std::string bytes = hub_.files["m.gguf"] = some_bytes(3'000'000);
  hub_.file_fault = [&](const WebRequest& request) {
    WebAnswer answer = file_answer(request, bytes);
    answer.hold_after = 2'000'000;
    return answer;
  };
  TerminalProcess pull = at_terminal("pull hf:org/name");
  ASSERT_TRUE(pull.expect(" left"));
  pull.type("\x03");
  EXPECT_EQ(pull.wait(), 130) << pull.screen();
  EXPECT_THAT(pull.screen(), HasSubstr("goes on from here"));
  EXPECT_EQ(fs::file_size(part(bytes)), 2'000'000);
}

TEST_F(Pull, ASplitModelIsFoundOnlyWhenItIsWhole) {
  hub_.files["Q4_K_M/m-00001-of-00002.gguf"] = some_bytes(1000, 3);
  hub_.files["Q4_K_M/m-00002-of-00002.gguf"] = some_bytes(1000, 4);
  hub_.files["m-Q2_K.gguf"] = "other";
  hub_.file_fault = [](const WebRequest& request) -> std::optional<WebAnswer> {
    if (request.target.find("00002-of") == std::string::npos) return {};
    return WebAnswer{.status = 403};
  };
  EXPECT_EQ(program("pull hf:org/name").status, 1);
  EXPECT_THAT(listed(), Not(Contains(HasSubstr("org/name"))));
  hub_.file_fault = nullptr;
  const ProcessResult result = program("pull hf:org/name:Q4_K_M");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Q4_K_M/m-00001-of-00002.gguf\n"));
  EXPECT_THAT(listed(), Contains("Hugging Face org/name/Q4_K_M/m-00001-of-00002.gguf"));
  const fs::path folder = fs::path(result.out).parent_path();
  EXPECT_EQ(cli::read_text((folder / "m-00002-of-00002.gguf").string()), some_bytes(1000, 4));
}

TEST_F(Pull, DryRunsWriteNothing) {
  hub_.files["m.gguf"] = some_bytes(2048);
  const ProcessResult result = program("pull hf:org/name --dry-run");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("2.00 KiB"), HasSubstr("m.gguf"), HasSubstr(blob(some_bytes(2048))),
                                HasSubstr("to come"), HasSubstr("free")));
  EXPECT_FALSE(fs::exists(home_.file(".cache")));
}

TEST_F(Pull, WithoutANetworkOneLineSaysSo) {
  environment_["HF_ENDPOINT"] = "http://127.0.0.1:1";
  environment_["OLLAMA_REGISTRY"] = "http://127.0.0.1:1";
  for (const char* command : {"pull hf:org/name", "pull ollama:name", "pull http://127.0.0.1:1/m.gguf",
                              "chat -hf org/name -p x", "run -hf org/name -p x"}) {
    const ProcessResult result = program(command);
    EXPECT_EQ(result.status, 1) << command;
    EXPECT_THAT(result.err, AllOf(HasSubstr("cannot reach 127.0.0.1:1"), HasSubstr("is there a network?")))
        << command;
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST_F(Pull, WrongNamesAreWrongUsageOrRefused) {
  for (const char* name : {"org/name", "llama3.2", "ftp://x/y.gguf", "https://x/y.bin", "''"})
    EXPECT_EQ(program(fmt::format("pull {}", name)).status, 2) << name;
  for (const char* name :
       {"hf:", "hf:name", "hf:../x", "hf:org/..", "hf:org/name:", "hf:org/name/../../x.gguf",
        "ollama:", "ollama:../x", "ollama:a/b/c", "ollama:a:b/c"}) {
    const ProcessResult result = program(fmt::format("pull {}", name));
    EXPECT_EQ(result.status, 1) << name;
    EXPECT_THAT(result.err, HasSubstr("[E_RANGE]")) << name;
  }
  EXPECT_THAT(hub_.hub().requests(), IsEmpty());
}

TEST_F(Pull, AListOfFilesCannotReachOtherFolders) {
  for (const char* name : {"../../../evil.gguf", "/tmp/evil.gguf", "a/../../../../evil.gguf", "x\x1b.gguf"}) {
    hub_.files = {{name, "x"}};
    const ProcessResult result = program("pull hf:org/name");
    EXPECT_EQ(result.status, 1) << name;
    EXPECT_THAT(result.err, HasSubstr("holds no GGUF file")) << name;
  }
  for (const char* answer : {"", "[]", "{}", "null", R"({"sha":"..","siblings":[]})",
                             R"({"sha":1,"siblings":{}})", R"({"sha":"ab","siblings":[1]})"}) {
    hub_.list_fault = [&](const WebRequest&) { return WebAnswer{.body = answer}; };
    const ProcessResult result = program("pull hf:org/name");
    EXPECT_EQ(result.status, 1) << answer;
    EXPECT_THAT(result.err, HasSubstr("org/name: ")) << answer;
  }
  EXPECT_FALSE(fs::exists(home_.file(".cache")));
}

}  // namespace
}  // namespace longhand::test
