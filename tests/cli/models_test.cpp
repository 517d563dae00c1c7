// Models that other programs put on the machine: found, described from their headers, offered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/models/model_card.h"
#include "tests/support/golden.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace longhand::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kDigits(64, 'a');

class ModelsOnTheMachine : public testing::Test {
 protected:
  ModelsOnTheMachine() { fs::create_directory(here_); }

  void put(const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(home_.file(path)).parent_path());
    home_.write(path, content);
  }
  void put_ollama(const std::string& root, const std::string& name, const std::string& digest) {
    put(root + "/manifests/registry.ollama.ai/" + name,
        R"({"layers":[{"mediaType":"application/vnd.ollama.image.template","digest":"sha256:00"},)"
        R"({"mediaType":"application/vnd.ollama.image.model","digest":")" +
            digest + "\"}]}");
  }
  // Runs in the folder here/.
  ProcessResult program(const std::string& arguments) {
    return run_process(
        {"/bin/bash", "-c", "cd '" + here_ + "' && exec " + LONGHAND_PROGRAM + " " + arguments}, "",
        environment_);
  }
  std::vector<std::string> names(const std::string& arguments = "") {
    const ProcessResult result = program("models --json " + arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    std::vector<std::string> out;
    for (const auto& entry : nlohmann::json::parse(result.out))
      out.push_back(entry["source"].get<std::string>() + " " + entry["name"].get<std::string>());
    return out;
  }

  TempDir home_;
  std::string here_ = home_.file("here");
  std::string model_ = tiny_llama().build();
  Environment environment_{{"HOME", home_.path().string()},
                           {"XDG_CACHE_HOME", ""},
                           {"OLLAMA_MODELS", ""},
                           {"LLAMA_CACHE", ""},
                           {"HF_HOME", ""},
                           {"HF_HUB_CACHE", ""},
                           {"LONGHAND_MODEL", ""},
                           {"XDG_DATA_HOME", ""},
                           {"XDG_STATE_HOME", ""}};
};

TEST_F(ModelsOnTheMachine, WithoutModelsHasTheIncludedOne) {
  EXPECT_THAT(names(), ElementsAre("included guide-q8_0.gguf"));
}

TEST_F(ModelsOnTheMachine, ModelsOfOtherProgramsAreFoundUnderTheirNames) {
  put(".ollama/models/blobs/sha256-" + kDigits, model_);
  put_ollama(".ollama/models", "library/llama3.2/1b", "sha256:" + kDigits);
  put(".lmstudio/models/someone/some-model/some.gguf", model_);
  put(".cache/llama.cpp/ggml-org_tiny.gguf", model_);
  put(".cache/huggingface/hub/models--org--name/blobs/0123", model_);
  fs::create_directories(home_.file(".cache/huggingface/hub/models--org--name/snapshots/abc"));
  fs::create_symlink("../../blobs/0123",
                     home_.file(".cache/huggingface/hub/models--org--name/snapshots/abc/m.gguf"));
  put("here/local.gguf", model_);
  put("here/deeper/not-listed.gguf", model_);
  put("here/notes.txt", "x");
  EXPECT_THAT(names(), ElementsAre("here local.gguf", "ollama llama3.2:1b",
                                   "LM Studio someone/some-model/some.gguf", "llama.cpp ggml-org_tiny.gguf",
                                   "Hugging Face org/name/m.gguf", "included guide-q8_0.gguf"));
  EXPECT_THAT(names("deeper"), Contains("here not-listed.gguf"));
}

TEST_F(ModelsOnTheMachine, TheVariablesOfThoseProgramsAreRespected) {
  put("a/blobs/sha256-" + kDigits, model_);
  put_ollama("a", "someone/model/latest", "sha256:" + kDigits);
  put("b/flat.gguf", model_);
  put("c/models--x--y/snapshots/r/z.gguf", model_);
  put("d/hub/models--v--w/snapshots/r/u.gguf", model_);
  put("e/lm-studio/models/p/q/r.gguf", model_);
  environment_["OLLAMA_MODELS"] = home_.file("a");
  environment_["LLAMA_CACHE"] = home_.file("b");
  environment_["HF_HUB_CACHE"] = home_.file("c");
  environment_["HF_HOME"] = home_.file("d");
  environment_["XDG_CACHE_HOME"] = home_.file("e");
  EXPECT_THAT(names(),
              ElementsAre("ollama someone/model:latest", "LM Studio p/q/r.gguf", "llama.cpp flat.gguf",
                          "Hugging Face x/y/z.gguf", "Hugging Face v/w/u.gguf", "included guide-q8_0.gguf"));
}

TEST_F(ModelsOnTheMachine, AManifestCannotPointElsewhere) {
  put("secret.gguf", model_);
  for (const std::string& digest :
       {std::string("sha256:../../../../secret.gguf"), std::string("../secret.gguf"),
        "sha256:" + std::string(63, 'a'), "sha256:" + std::string(64, 'G')})
    put_ollama(".ollama/models", "library/bad/" + std::to_string(digest.size()), digest);
  put(".ollama/models/manifests/registry.ollama.ai/library/junk/latest", "no json");
  put(".ollama/models/manifests/registry.ollama.ai/library/odd/latest", R"({"layers":[3,{"digest":null}]})");
  EXPECT_THAT(names(), ElementsAre("included guide-q8_0.gguf"));
}

TEST_F(ModelsOnTheMachine, OneFileIsListedOnceAndASplitModelByItsFirstPart) {
  put("here/m-00001-of-00002.gguf", model_);
  put("here/m-00002-of-00002.gguf", model_);
  put("here/again.gguf", model_);
  fs::create_symlink("again.gguf", home_.file("here/link.gguf"));
  EXPECT_THAT(names(),
              ElementsAre("here again.gguf", "here m-00001-of-00002.gguf", "included guide-q8_0.gguf"));
}

TEST_F(ModelsOnTheMachine, ADamagedFileIsListedWithItsErrorAndStopsNothing) {
  put("here/a.gguf", "junk");
  put("here/b.gguf", model_.substr(0, model_.size() / 2));
  put("here/c.gguf", model_);
  put("here/\x1b[31mred.gguf", "");
  const ProcessResult result = program("models");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("[E_MAGIC]"), HasSubstr("[E_TRUNCATED]"), HasSubstr("c.gguf"),
                                HasSubstr("Q8_0"), HasSubstr("\\x1b[31mred.gguf"), Not(HasSubstr("\x1b"))));
}

TEST_F(ModelsOnTheMachine, ThePageOfModelsIsWhatTheProgramPrints) {
  const std::string table = program("models --architectures").out;
  EXPECT_THAT(table, HasSubstr("\n| `llama` | Llama 1 to 3.3"));
  EXPECT_TRUE(read_text(LONGHAND_GUIDE "/../../docs/models.md").ends_with("\n\n" + table))
      << "docs/models.md ends with what `longhand models --architectures` prints";
  const auto rows = nlohmann::json::parse(program("models --architectures --json").out);
  EXPECT_EQ(rows.size() + 2, std::size_t(std::ranges::count(table, '\n')));
  for (const auto& row : rows) EXPECT_NE(row["models"], "") << row["architecture"];
}

TEST(ModelCard, TellsWhatFitsFromTheHeader) {
  const cli::ModelCard card = cli::read_card(LONGHAND_GUIDE "/guide-q8_0.gguf");
  EXPECT_EQ(card.problem, "");
  EXPECT_EQ(card.architecture, "llama");
  EXPECT_EQ(card.type, "Q8_0");
  EXPECT_EQ(card.file_bytes, fs::file_size(LONGHAND_GUIDE "/guide-q8_0.gguf"));
  EXPECT_EQ(cli::fit_text(card, 0), "yes");
  EXPECT_EQ(cli::fit_text(card, std::uint64_t{1} << 40), "yes");
  EXPECT_THAT(cli::fit_text(card, 1 << 20), testing::StartsWith("no, needs "));
}

TEST(ModelCard, AContextThatIsCutIsSaid) {
  cli::ModelCard card;
  card.file_bytes = 1000;
  card.cache_bytes_per_token = 10;
  card.context = 100'000;
  EXPECT_EQ(cli::fit_text(card, 1000 + 10 * 5000), "yes, 4864 tokens");
  EXPECT_EQ(cli::fit(card, 1000 + 10 * 5000).context, 5000);
  EXPECT_FALSE(cli::fit(card, 1000 + 10 * 1023).fits);
  EXPECT_TRUE(cli::fit(card, 1000 + 10 * 1024).fits);
  EXPECT_FALSE(cli::fit(card, 999).fits);
  card.problem = "broken";
  EXPECT_EQ(cli::fit_text(card, 0), "broken");
}

TEST(ModelCard, WhatCannotBeRunSaysWhy) {
  const TempDir dir;
  GgufWriter writer = tiny_llama();
  entry(writer, "general.architecture").value = encode("clip");
  EXPECT_THAT(cli::read_card(dir.write("clip.gguf", writer.build())).problem,
              HasSubstr("'clip' is not supported"));
}

TEST_F(ModelsOnTheMachine, OffersWhatItHasByNumber) {
  put("here/first.gguf", model_);
  fs::copy_file(LONGHAND_GUIDE "/guide-q8_0.gguf", home_.file("here/second.gguf"));
  TerminalProcess chat(
      {"/bin/bash", "-c", "cd '" + here_ + "' && exec " + LONGHAND_PROGRAM + " chat --temp 0"}, environment_);
  ASSERT_TRUE(chat.expect("first.gguf")) << chat.screen();
  ASSERT_TRUE(chat.expect("second.gguf"));
  ASSERT_TRUE(chat.expect("Which model? [1-3, Enter: 1] ")) << chat.screen();
  chat.type("7\n");
  ASSERT_TRUE(chat.expect("from 1 to 3"));
  chat.type("2\n");
  ASSERT_TRUE(chat.expect("longhand guide")) << chat.screen();
  ASSERT_TRUE(chat.expect("> "));
  chat.type("What is the capital of Peru?\n");
  EXPECT_TRUE(chat.expect("Lima.")) << chat.screen();
}

TEST_F(ModelsOnTheMachine, DoesNotAskWhereThereIsNoChoiceOrNobodyToAsk) {
  put("here/first.gguf", model_);
  EXPECT_THAT(program("chat --temp 0 < /dev/null").err, Not(HasSubstr("Which model")));
  fs::remove(home_.file("here/first.gguf"));
  TerminalProcess chat({"/bin/bash", "-c", "cd '" + here_ + "' && exec " + LONGHAND_PROGRAM + " chat"},
                       environment_);
  ASSERT_TRUE(chat.expect("longhand guide"));
  EXPECT_THAT(chat.screen(), Not(HasSubstr("Which model")));
}

TEST_F(ModelsOnTheMachine, CtrlCAtTheQuestionLeaves) {
  put("here/first.gguf", model_);
  TerminalProcess chat({"/bin/bash", "-c", "cd '" + here_ + "' && exec " + LONGHAND_PROGRAM + " chat"},
                       environment_);
  ASSERT_TRUE(chat.expect("Which model?"));
  chat.type("\x03");
  EXPECT_EQ(chat.wait(5), 130) << chat.screen();
}

TEST_F(ModelsOnTheMachine, TheEnterKeyChoosesWhatWasChosenBefore) {
  put("here/first.gguf", model_);
  put("here/second.gguf", model_);
  const Arguments chat = {"/bin/bash", "-c",
                          "cd '" + here_ + "' && exec " + LONGHAND_PROGRAM + " chat -c 64"};
  TerminalProcess first(chat, environment_);
  ASSERT_TRUE(first.expect("Enter: 1]"));
  first.type("2\n");
  ASSERT_TRUE(first.expect(">")) << first.screen();
  first.leave();
  TerminalProcess second(chat, environment_);
  ASSERT_TRUE(second.expect("Enter: 2]")) << second.screen();
  second.type("\n");
  ASSERT_TRUE(second.expect(">"));
  second.leave();
  fs::remove(home_.file("here/second.gguf"));
  TerminalProcess third(chat, environment_);
  EXPECT_TRUE(third.expect("Enter: 1]")) << third.screen();
}

TEST_F(ModelsOnTheMachine, NamesOfTheListOpenModels) {
  put(".ollama/models/blobs/sha256-" + kDigits, model_);
  put_ollama(".ollama/models", "library/llama3.2/latest", "sha256:" + kDigits);
  put(".lmstudio/models/someone/some-model/Some-Q8_0.gguf", model_);
  put(".cache/llama.cpp/Other-Q8_0.gguf", model_);
  for (const char* name : {"llama3.2:latest", "llama3.2", "someone/some-model/Some-Q8_0.gguf", "Some-Q8_0",
                           "some-mod", "Other", "included"}) {
    EXPECT_EQ(program(std::string("info ") + name).status, 0) << name;
    EXPECT_EQ(program(std::string("logits --tokens <(echo [1]) -o /dev/null -c 8 ") + name).status, 0)
        << name;
  }
  EXPECT_THAT(program("info Q8_0").err, AllOf(HasSubstr("Some-Q8_0.gguf"), HasSubstr("Other-Q8_0.gguf")));
  for (const char* name : {"llama3.2:1b", "someone/some", "Q8_0.gguf", "./Other"})
    EXPECT_THAT(program(std::string("info ") + name).err, HasSubstr("No such file")) << name;
}

}  // namespace
}  // namespace longhand::test
