// What a chat's session is made with, changed while the chat runs.
#include "cli/chat/session_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_code.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace longhand::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(SessionSettings, HaveTheNamesOfOptionsAndOfFlags) {
  SessionOptions options;
  for (const char* name : {"context", "ctx_size", "--ctx-size", "ctx-size"}) {
    options.context = 0;
    EXPECT_TRUE(change_session_setting(options, name, "512")) << name;
    EXPECT_EQ(options.context, 512) << name;
  }
  EXPECT_TRUE(change_session_setting(options, "ctk", "q8_0"));
  EXPECT_EQ(options.key_cache, CacheType::q8_0);
  EXPECT_TRUE(change_session_setting(options, "attention", "vq"));
  EXPECT_EQ(options.attention.memory, "vq");
  EXPECT_TRUE(change_session_setting(options, "attention.memory", "file"));
  EXPECT_EQ(options.attention.memory, "");
  EXPECT_TRUE(change_session_setting(options, "vq_weighted", "on"));
  EXPECT_TRUE(options.attention.weighted);
  EXPECT_TRUE(change_session_setting(options, "rope-freq-base", "5e5"));
  EXPECT_EQ(options.rope.base, 5e5F);
  EXPECT_FALSE(change_session_setting(options, "temp", "1"));
}

TEST(SessionSettings, AllThatAreListedCanBeSetToWhatTheyAre) {
  SessionOptions options;
  const auto listed = list_session_settings(options);
  EXPECT_GT(listed.size(), 20U);
  for (const auto& [name, value] : listed) EXPECT_TRUE(change_session_setting(options, name, value)) << name;
  const auto again = list_session_settings(options);
  for (std::size_t i = 0; i < listed.size(); ++i)
    EXPECT_EQ(listed[i].value, again[i].value) << listed[i].name;
}

TEST(SessionSettings, OtherValuesAreRefused) {
  SessionOptions options;
  for (const auto& [name, value] : {std::pair{"context", "-1"},
                                    {"context", "x"},
                                    {"batch", "0"},
                                    {"key_cache", "q9"},
                                    {"vq_weighted", "maybe"},
                                    {"threads", "1.5"},
                                    {"context", ""}})
    EXPECT_EQ(test::code_of([&] { change_session_setting(options, name, value); }), Errc::range)
        << name << value;
}

test::ProcessResult chat(const std::string& lines, const test::Arguments& flags = {}) {
  const test::TempDir home;
  test::Arguments arguments = {LONGHAND_PROGRAM, "chat", LONGHAND_GUIDE "/guide-q8_0.gguf",
                               "--temp",         "0",    "--commands"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return test::run_process(arguments, lines, {{"HOME", home.path().string()}, {"XDG_DATA_HOME", ""}});
}

TEST(SessionSettings, AChatGoesOnWithThem) {
  const std::string told = "The secret word is lantern.\n", asks = "What is the secret word?\n";
  const std::string usual = chat(told + asks).out;
  EXPECT_THAT(usual, HasSubstr("antern"));
  for (const char* change : {"context 512", "threads 1", "attention window", "batch 16", "ctk f32"}) {
    const auto result = chat(told + "/set " + change + "\n" + asks + "/show\n");
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, usual) << change << result.err;
    EXPECT_THAT(result.err, HasSubstr("read again with the next message")) << change;
  }
}

TEST(SessionSettings, WhatCannotBeLeavesTheChatAsItIs) {
  const auto result =
      chat("/set attention nonsense\n/set context -3\n/set bogus 1\nWhat is the capital of Peru?\n/show\n");
  EXPECT_THAT(result.out, HasSubstr("Lima"));
  EXPECT_THAT(result.err, AllOf(HasSubstr("nonsense"), HasSubstr("context: '-3'"), HasSubstr("bogus")));
}

TEST(SessionSettings, FlagsOverrideMetadataAndKeepTurns) {
  const auto shown = chat("/show\n", {"--override-kv", "llama.context_length=int:333", "--keep", "40",
                                      "--override-kv", "general.name=str:other"});
  EXPECT_THAT(shown.err,
              AllOf(HasSubstr("trained for 333"), HasSubstr("other"), HasSubstr("keep"), HasSubstr("40")))
      << shown.err;
  const auto bad = chat("/show\n", {"--override-kv", "llama.context_length=u32:333"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.err, HasSubstr("[E_RANGE]"));
}

}  // namespace
}  // namespace longhand::cli
