// A text that does not fit: the message says with which flags it does, and with those it does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/process.h"

namespace longhand::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kGuide = LONGHAND_GUIDE "/guide-q8_0.gguf";

std::string words(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "a word ";
  return text;
}

ProcessResult write_one(const std::string& verb, const std::string& text, const Arguments& flags) {
  Arguments arguments = {LONGHAND_PROGRAM, verb, kGuide, "-p", text, "-n", "1"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return run_process(arguments);
}

// "1280" of "... -c 1280 makes room".
std::string length_in(const std::string& message) {
  const auto begin = message.find("-c ") + 3;
  return message.substr(begin, message.find(' ', begin) - begin);
}

TEST(ContextHint, NamesTheContextThatHoldsTheText) {
  for (const char* verb : {"run", "chat"}) {
    SCOPED_TRACE(verb);
    const std::string text = words(150);
    const ProcessResult result = write_one(verb, text, {"-c", "64"});
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr("makes room [E_CONTEXT_FULL]\n"), Not(HasSubstr("--attention"))));
    const ProcessResult again = write_one(verb, text, {"-c", length_in(result.err)});
    EXPECT_EQ(again.status, 0) << again.err;
  }
}

TEST(ContextHint, NamesWhatIsForTextsLongerThanTheTrainedOnes) {
  for (const char* verb : {"run", "chat"}) {
    SCOPED_TRACE(verb);
    const std::string text = words(2400);
    const ProcessResult result = write_one(verb, text, {"--rope-freq-base", "100"});
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr("--rope-scale auto or --attention rerope or vq"),
                                  HasSubstr("trained for 2048 tokens [E_CONTEXT_FULL]\n")));
    const Arguments length = {"--rope-freq-base", "100", "-c", length_in(result.err)};
    for (const Arguments& flag : {Arguments{"--attention", "rerope"}, Arguments{"--attention", "vq"}}) {
      Arguments flags = length;
      flags.insert(flags.end(), flag.begin(), flag.end());
      const ProcessResult again = write_one(verb, text, flags);
      EXPECT_EQ(again.status, 0);
      EXPECT_THAT(again.err, Not(HasSubstr("longer than")));
    }
  }
}

}  // namespace
}  // namespace longhand::test
