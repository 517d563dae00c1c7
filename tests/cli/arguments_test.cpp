#include "cli/flags/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/exit_status.h"

namespace longhand::cli {
namespace {

using testing::ElementsAre;

TEST(Arguments, FlagsOfOneDashAndManyLettersGetTheirLongNames) {
  EXPECT_THAT(normalise_arguments({"logits", "-m", "x.gguf", "-ctk", "f32", "-ctv", "q8_0", "-ub", "64"}),
              ElementsAre("logits", "-m", "x.gguf", "--cache-type-k", "f32", "--cache-type-v", "q8_0",
                          "--ubatch-size", "64"));
  EXPECT_THAT(normalise_arguments({"chat", "-sys", "Be brief.", "-ngl", "99", "-st"}),
              ElementsAre("chat", "--system-prompt", "Be brief.", "--gpu-layers", "99", "--single-turn"));
}

TEST(Arguments, TextThatLooksLikeAFlagStaysText) {
  EXPECT_THAT(normalise_arguments({"run", "-p", "-ctk", "-sys", "-ngl", "-m", "-nr"}),
              ElementsAre("run", "-p", "-ctk", "--system-prompt", "-ngl", "-m", "-nr"));
}

TEST(Arguments, NothingChangesAfterTwoDashes) {
  EXPECT_THAT(normalise_arguments({"info", "--", "-ctk"}), ElementsAre("info", "--", "-ctk"));
}

TEST(Arguments, FlashAttentionTakesAValueOrNone) {
  EXPECT_THAT(normalise_arguments({"bench", "-fa", "1", "x.gguf"}),
              ElementsAre("bench", "--flash-attn=1", "x.gguf"));
  EXPECT_THAT(normalise_arguments({"bench", "-fa", "x.gguf"}),
              ElementsAre("bench", "--flash-attn=auto", "x.gguf"));
  EXPECT_THAT(normalise_arguments({"bench", "-fa"}), ElementsAre("bench", "--flash-attn=auto"));
}

TEST(Arguments, SwitchesOfAnyVersionTakeAValueOrNone) {
  EXPECT_THAT(normalise_arguments({"chat", "-co", "--no-op-offload", "0"}),
              ElementsAre("chat", "--color=auto", "--no-op-offload=0"));
  EXPECT_THAT(normalise_arguments({"chat", "--color", "off", "-nkvo"}),
              ElementsAre("chat", "--color=off", "--no-kv-offload=1"));
}

TEST(Arguments, OtherWordsOfOneDashAreRefusedByName) {
  for (const std::string flag : {"-hx", "-nq", "-pq", "-cd", "-tx", "-spx", "-omd", "-ve"}) {
    try {
      normalise_arguments({"run", flag, "2"});
      ADD_FAILURE() << flag;
    } catch (const UsageError& error) { EXPECT_EQ(error.what(), "unknown option " + flag); }
  }
  EXPECT_THAT(normalise_arguments({"run", "-f", "-hf", "-o", "-nq", "--", "-pq"}),
              ElementsAre("run", "-f", "-hf", "-o", "-nq", "--", "-pq"));
}

TEST(Arguments, ShortFlagsAndNumbersStay) {
  EXPECT_THAT(normalise_arguments({"run", "-n", "-1", "-c", "512", "-t4", "-"}),
              ElementsAre("run", "-n", "-1", "-c", "512", "-t4", "-"));
}

}  // namespace
}  // namespace longhand::cli
